"""Is the stated certainty true? Intervals and probabilities beside what came, by tenth.

A forecast that says "80 %" is right if 80 of 100 outcomes lie inside, and that in each tenth of the
customers: an interval that is too narrow for the best and too wide for the rest is right on average
only. Tenth 1 holds the highest predictions, or the highest stated probabilities.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ml.model.measures.metrics import checked, tenths


def interval_tails(
    actual: ArrayLike, predicted: ArrayLike, low: ArrayLike, high: ArrayLike
) -> pd.DataFrame:
    """Shares above and below the interval by tenth of the predictions: decile, above, below.

    Inputs: money, (customers,). An 80 % interval has a tenth on either side; fewer lie below where
    more than a tenth bring nothing, because no interval begins below 0.

    >>> interval_tails([0, 5], [3, 2], [1, 1], [4, 4])[["above", "below"]].to_numpy().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    values, scores, lower, upper = checked(actual=actual, predicted=predicted, low=low, high=high)
    parts = tenths(scores)
    return pd.DataFrame(
        {
            "decile": np.arange(1, len(parts) + 1),
            "above": [float(np.mean(values[part] > upper[part])) for part in parts],
            "below": [float(np.mean(values[part] < lower[part])) for part in parts],
        }
    )


def reliability(bought: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """Stated probability and share that bought by tenth of the probabilities.

    bought: 1 or 0, probability: 0..1, each (customers,). Columns: decile, mean_probability,
    share_that_bought, standard_error (of that share if the probabilities were true).

    >>> reliability([1, 0], [0.5, 0.5])["standard_error"].tolist()
    [0.5, 0.5]
    """
    came, stated = checked(bought=bought, probability=probability)
    parts = tenths(stated)
    error = [np.sqrt(np.sum(stated[one] * (1 - stated[one]))) / len(one) for one in parts]
    return pd.DataFrame(
        {
            "decile": np.arange(1, len(parts) + 1),
            "mean_probability": [float(stated[part].mean()) for part in parts],
            "share_that_bought": [float(came[part].mean()) for part in parts],
            "standard_error": error,
        }
    )


def brier_score(bought: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared difference between probability and outcome, 0 is best (Brier 1950).

    >>> brier_score([1, 0], [0.5, 0.5])
    0.25
    """
    came, stated = checked(bought=bought, probability=probability)
    return float(np.mean((stated - came) ** 2))
