"""The unit in which money is compared with fixed numbers.

1. Whether a shop counts in dollars, rial or coins of 10^-6 changes no prediction but its unit.
2. Most formulas are ratios and do not care. A few compare money with a fixed number: the floor of
   the Tweedie deviance, and log(1 + money) of the clusters.
3. They divide by a power of a million first, the one that brings the usual amount near 100.
4. Where the usual amount is 0.1 to 100,000 the unit is 1: there, nothing is divided.
"""

import math

# the unit is this power of ten to some power
STEP, USUAL = 6, 2


def money_unit(typical: float) -> float:
    """The unit for logs whose usual amount is `typical` (money); 1 where there is none.

    >>> money_unit(35.0), money_unit(3.5e-5), money_unit(2.5e9)
    (1.0, 1e-06, 1000000.0)
    """
    if not 0 < typical < math.inf:
        return 1.0
    return float(f"1e{STEP * round((math.log10(typical) - USUAL) / STEP)}")
