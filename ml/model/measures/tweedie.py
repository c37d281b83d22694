"""Tweedie deviance of power 1.5: how far a forecast of spending is from what was spent.

The behaviour that it stands for:

1. Most customers spend nothing in a window. The others spend very different sums.
2. Spending is a random number of purchases, each of a random value.
3. So the spread grows with the mean: its variance is proportional to mean^1.5.
4. An error of 10 says much about a customer who was expected to bring 10, and little about one who
   was expected to bring 1,000.

Jorgensen 1997, The Theory of Dispersion Models, prints the deviance of y at the mean m, power p:

    d(y, m) = 2 (y^(2-p) / ((1-p) (2-p)) - y m^(1-p) / (1-p) + m^(2-p) / (2-p))

At p = 3/2 this is 4 (sqrt(y) - sqrt(m))^2 / sqrt(m), which is what is computed here: the printed
sum is a small difference of large numbers where y is near m.
"""

import numpy as np
from numpy.typing import NDArray

from ml.model.money_unit import money_unit

FloatArray = NDArray[np.float64]

# The deviance is infinite at a mean of 0: lower predictions count as this much money, in the unit
# of money_unit.py.
SMALLEST_MEAN = 1e-2


def tweedie_deviance(actual: FloatArray, predicted: FloatArray) -> FloatArray:
    """Deviance of each customer, shape (customers,), 0 where both are the same.

    Actuals (money) below 0 count as 0, predictions (money) below SMALLEST_MEAN as that.

    >>> tweedie_deviance(np.array([0.0, 9.0]), np.array([4.0, 4.0])).tolist()
    [8.0, 2.0]
    """
    root = np.sqrt(np.maximum(actual, 0))
    smallest = SMALLEST_MEAN * money_unit(float(np.mean(predicted))) if len(predicted) else 0.0
    mean_root = np.sqrt(np.maximum(predicted, smallest))
    return 4 * (root - mean_root) ** 2 / mean_root


def null_deviance(
    total: FloatArray, root_total: FloatArray, count: FloatArray | float
) -> FloatArray:
    """Deviance of `count` customers together if everybody is predicted their mean.

    total, root_total: sums of the actuals (money, >= 0) and of their square roots. Summed over
    the customers, 4 (sqrt(y) - sqrt(m))^2 / sqrt(m) is 8 (n sqrt(m) - sum(sqrt(y))).

    >>> float(null_deviance(np.array(10.0), np.array(4.0), 2))  # two customers: 1 and 9
    3.7770...
    """
    return 8 * (np.sqrt(total * count) - root_total)
