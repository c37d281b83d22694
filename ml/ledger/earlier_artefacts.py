"""Artefacts up to commit 207ed74: pickles that name the classes of their time.

Nothing of that time is imported. Every class comes back as a neutral `Record`, its fields take
today's names from the table EARLIER, and what then stands there is decoded like a new artefact.
Only the names in EARLIER and PLAIN are ever looked up, whatever a pickle asks for.
"""

import io
from collections.abc import Callable
from importlib import import_module
from pickle import UnpicklingError
from typing import Any

from joblib.numpy_pickle import NumpyUnpickler

# class by its path then -> (its path today, its fields that have another name today)
EARLIER: dict[str, tuple[str, dict[str, str]]] = {
    "ml.training.Artefact": ("ml.model.champion.artefact.Artefact", {}),
    "ml.champion.Champion": ("ml.model.champion.champion.Champion", {}),
    "ml.baselines.Naive": ("ml.model.champion.rivals.Naive", {}),
    "ml.baselines.BuyTillYouDie": ("ml.model.champion.rivals.BuyTillYouDie", {}),
    "ml.gate.GateResult": ("ml.model.champion.gate.GateResult", {}),
    "ml.gate.Comparison": ("ml.model.champion.gate.Comparison", {}),
    "ml.recipe.Recipe": ("ml.model.forecast.recipe.Recipe", {}),
    "ml.recipe.Windows": ("ml.model.forecast.recipe.Windows", {}),
    "ml.recipe.Level": ("ml.model.forecast.recipe.Level", {}),
    "ml.prior.PurchaseForecast": ("ml.model.forecast.blend.PurchaseForecast", {}),
    "ml.prior.Prior": ("ml.model.forecast.blend.Prior", {}),
    "ml.btyd.BetaGeometric": ("ml.model.forecast.purchase_models.BetaGeometric", {}),
    "ml.btyd.ModifiedBetaGeometric": (
        "ml.model.forecast.purchase_models.ModifiedBetaGeometric",
        {},
    ),
    "ml.btyd.ParetoNBD": ("ml.model.forecast.purchase_models.ParetoNBD", {}),
    "ml.btyd.GammaGamma": ("ml.model.forecast.gamma_gamma.GammaGamma", {}),
    "ml.season.Season": ("ml.model.forecast.season.Season", {}),
    "ml.trees.Trees": ("ml.model.forecast.trees.Trees", {}),
    "ml.intervals.Intervals": ("ml.model.forecast.intervals.Intervals", {}),
    "ml.clusters.BehaviourClusters": ("ml.model.forecast.clusters.BehaviourClusters", {}),
    "ml.stability.Population": ("ml.model.measures.population.Population", {}),
    "ml.stability.Bins": ("ml.model.measures.population.Bins", {}),
}
# what a pickle of numbers, days and boosters needs beside them
PLAIN = frozenset(
    {
        "builtins.bytearray",
        "joblib.numpy_pickle.NumpyArrayWrapper",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy._core.multiarray.scalar",
        "pandas._libs.tslibs.timestamps._unpickle_timestamp",
        "xgboost.core.Booster",
    }
)


class Record:
    """What an instance of an earlier class held: its fields lie in __dict__."""

    earlier_class = ""


class _NeutralUnpickler(NumpyUnpickler):
    """Opens a pickle without importing the classes it names.

    joblib's own unpickler, because arrays stand in the file in joblib's way.
    """

    def find_class(self, module: str, name: str) -> Any:
        """A kind of Record for EARLIER, the thing itself for PLAIN, UnpicklingError for others."""
        path = f"{module}.{name}"
        if path in EARLIER:
            return type(name, (Record,), {"earlier_class": path})
        if path in PLAIN:
            return getattr(import_module(module), name)
        raise UnpicklingError(f"the artefact names {path}, which no version of the engine packed")


def opened(pickled: bytes) -> Any:
    """What the pickle holds: today's dict of texts and bytes, or a Record.

    Errors: UnpicklingError for a name that is neither in EARLIER nor in PLAIN.
    """
    return _NeutralUnpickler("", io.BytesIO(pickled), ensure_native_byte_order=True).load()


def with_names_of_today(value: Any) -> Any:
    """Records as dicts of their fields by today's names, all the way down."""
    if isinstance(value, Record):
        _, renamed = EARLIER[value.earlier_class]
        held = {name: with_names_of_today(one) for name, one in vars(value).items()}
        today = {renamed.get(name, name): one for name, one in held.items()}
        return CHANGED.get(value.earlier_class, dict)(today)
    if isinstance(value, tuple | list):
        return [with_names_of_today(one) for one in value]
    if isinstance(value, dict):
        return {name: with_names_of_today(one) for name, one in value.items()}
    return value


# classes whose fields say the same in another way: from the fields then to those of today
CHANGED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
