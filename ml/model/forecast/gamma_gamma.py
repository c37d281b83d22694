"""Gamma-Gamma: what an order of a customer will be worth.

1. Every order of a customer scatters around the customer's own mean, by a gamma distribution.
2. Means differ between customers, by another gamma distribution.
3. Of somebody with few orders we know the mean badly: chance decides it.
4. So the mean that was seen is pulled towards the mean of all customers, the more the fewer orders.
5. Value and frequency are independent of each other, which is the model's boldest assumption.

    E(M | p, q, v, x, m) = (q-1)/(px+q-1)  pv/(q-1)  +  px/(px+q-1)  m

is FH 2013 eq. 5: two weights that add up to 1, on the mean of all and on the customer's mean m of x
orders. It is computed as one fraction, p (v + x m) / (p x + q - 1), which is the same.

FH 2013: Fader & Hardie, The Gamma-Gamma Model of Monetary Value.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, psi

from ml.model.forecast.likelihood import (
    SCALE_LIMITS,
    SHAPE_LIMITS,
    Rows,
    Starts,
    columns_of_one_length,
    in_chunks,
    maximise,
    require,
    unique_rows,
)

FloatArray = NDArray[np.float64]

# At q <= 1 the mean order value of Gamma-Gamma is infinite; just above it is all tail.
SMALLEST_Q = 1.05


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-Gamma (FH 2013): order value ~ Gamma(p, nu), nu ~ Gamma(q, v) across customers.

    v is in money, p and q have no unit. x is the number of orders that a mean value stands for,
    all orders or repeat orders alike. Errors: ValueError unless q > 1 (infinite mean value).
    """

    p: float
    q: float
    v: float

    _starts: ClassVar[Starts] = ((6.0, 4.0, 0.5), (1.0, 2.0, 1.0), (2.0, 10.0, 4.0))

    def __post_init__(self) -> None:
        """Refuse a model without a mean."""
        if not self.q > 1:
            raise ValueError(f"q is {self.q}: Gamma-Gamma has a mean order value only for q > 1")

    @classmethod
    def fit(cls, x: ArrayLike, mean_value: ArrayLike) -> Self:
        """Parameters of maximum likelihood over the customers with x > 0 and mean_value > 0.

        x: orders behind each mean, mean_value: money per order, both of shape (customers,). q is
        kept at SMALLEST_Q or above. Errors: ValueError if no such customer is left, or for an
        order count that is negative or not finite, or a mean that is not finite with orders.
        """
        orders, mean = _spending(x, mean_value)
        kept = (orders > 0) & (mean > 0)
        if not kept.any():
            raise ValueError("no row has x > 0 and mean_value > 0: a value model needs orders")
        rows, _, counts = unique_rows((orders[kept], mean[kept]))
        unit = float(rows[1] @ counts / counts.sum())

        def likelihood(parameters: FloatArray, rows: Rows) -> tuple[FloatArray, FloatArray]:
            result = in_chunks(cls(*parameters)._likelihood, rows)
            return result[0], result[1:]

        bounds = (SHAPE_LIMITS, (SMALLEST_Q, SHAPE_LIMITS[1]), SCALE_LIMITS)
        scaled = (rows[0], rows[1] / unit)
        p, q, v = maximise(likelihood, scaled, counts, cls._starts, bounds)
        return cls(p, q, v * unit)

    def log_likelihood(self, x: ArrayLike, mean_value: ArrayLike) -> FloatArray:
        """Log density of each mean value, shape (customers,), per unit of money.

        Errors: ValueError unless all x > 0 and all mean_value > 0.
        """
        orders, mean = _spending(x, mean_value)
        require(orders > 0, "x", orders, "a mean value needs at least one order")
        require(mean > 0, "mean_value", mean, "the density is defined for positive means")
        return self._likelihood(orders, mean)[0]

    def expected_value(self, x: ArrayLike, mean_value: ArrayLike) -> FloatArray:
        """Expected mean order value given x orders of this mean, shape (customers,), money.

        FH 2013 eq. 5: between the customer's mean and the population's, p v / (q - 1), which is
        the answer for x = 0 (whatever the mean). A negative mean (more returns than sales) counts
        as 0. Errors: ValueError as in `fit`.

        Of nobody, of one order of 52, and of seven orders of 52 each on average:

        >>> model = GammaGamma(p=6.25, q=3.74, v=15.44)
        >>> model.expected_value([0, 1, 7], [0, 52, 52]).round(2).tolist()
        [35.22, 46.89, 51.01]
        """
        orders, mean = _spending(x, mean_value)
        value = self.v + orders * np.maximum(np.where(orders > 0, mean, 0), 0)
        return self.p * value / (self.p * orders + self.q - 1)

    def _likelihood(self, x: FloatArray, mean: FloatArray) -> FloatArray:
        """FH 2013 eq. 1a (row 0) and its gradient by p, q, v, shape (4, rows)."""
        p, q, v = self.p, self.q, self.v
        log_total = np.log(x * mean)
        log_sum = np.log(v + x * mean)
        value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * (np.log(v) - log_sum)
        value += p * x * (log_total - log_sum) - np.log(mean)
        d_p = x * (psi(p * x + q) - psi(p * x) + log_total - log_sum)
        d_q = psi(p * x + q) - psi(q) + np.log(v) - log_sum
        d_v = q / v - (p * x + q) / (v + x * mean)
        return np.stack([value, d_p, d_q, d_v])


def _spending(x: ArrayLike, mean_value: ArrayLike) -> Rows:
    """Checked order counts and mean values, each of shape (customers,); errors as in `fit`."""
    orders, mean = columns_of_one_length(x=x, mean_value=mean_value)
    require(np.isfinite(orders) & (orders >= 0), "x", orders, "count orders, 0 or more")
    finite = np.isfinite(mean) | (orders == 0)
    require(finite, "mean_value", mean, "give the mean value of the customer's orders")
    return orders, mean
