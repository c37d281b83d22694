"""Artefacts up to commit 207ed74: pickles that name the classes of their time.

Nothing of that time is imported. Every class comes back as a neutral `Record`, its fields take
today's names from the table EARLIER, and what then stands there is decoded like a new artefact.
Only the names in EARLIER and PLAIN are ever looked up, whatever a pickle asks for.
"""

import io
from importlib import import_module
from pickle import UnpicklingError
from typing import Any

from joblib.numpy_pickle import NumpyUnpickler

# class by its path then -> (its path today, its fields that have another name today)
EARLIER: dict[str, tuple[str, dict[str, str]]] = {
    "ml.training.Artefact": ("ml.model.champion.artefact.Artefact", {}),
    "ml.champion.Champion": ("ml.model.champion.champion.Champion", {"record": "card_entries"}),
    "ml.baselines.Naive": ("ml.model.champion.rivals.Naive", {"floor": "smallest"}),
    "ml.baselines.BuyTillYouDie": (
        "ml.model.champion.rivals.BuyTillYouDie",
        {"column": "model", "floor": "smallest"},
    ),
    "ml.gate.GateResult": ("ml.model.champion.gate.GateResult", {}),
    "ml.gate.Comparison": ("ml.model.champion.gate.Comparison", {}),
    "ml.recipe.Recipe": (
        "ml.model.forecast.recipe.Recipe",
        {"prior": "blend", "level": "total_correction", "prior_cutoffs": "blend_cutoffs"},
    ),
    "ml.recipe.Windows": ("ml.model.forecast.windows.Windows", {}),
    "ml.recipe.Level": ("ml.model.forecast.total.TotalCorrection", {}),
    "ml.prior.PurchaseForecast": ("ml.model.forecast.purchase_forecast.PurchaseForecast", {}),
    "ml.prior.Prior": ("ml.model.forecast.blend.Blend", {"floor": "smallest"}),
    "ml.btyd.BetaGeometric": ("ml.model.forecast.purchase_models.BetaGeometric", {}),
    "ml.btyd.ModifiedBetaGeometric": (
        "ml.model.forecast.purchase_models.ModifiedBetaGeometric",
        {},
    ),
    "ml.btyd.ParetoNBD": ("ml.model.forecast.purchase_models.ParetoNBD", {}),
    "ml.btyd.GammaGamma": ("ml.model.forecast.gamma_gamma.GammaGamma", {}),
    "ml.season.Season": ("ml.model.forecast.season.Season", {}),
    "ml.trees.Trees": ("ml.model.forecast.trees.Trees", {}),
    "ml.intervals.Intervals": (
        "ml.model.forecast.intervals.Intervals",
        {"level_sd": "total_sd"},
    ),
    "ml.clusters.BehaviourClusters": ("ml.model.forecast.clusters.BehaviourClusters", {}),
    "ml.stability.Population": ("ml.model.measures.population.Population", {}),
    "ml.stability.Bins": ("ml.model.measures.population.Bins", {}),
}
# what stood at a place of a tuple then has a name today
PURCHASE_MODELS_BY_COLUMN = ("bg_nbd", "mbg_nbd", "pareto_nbd")
WEIGHTS_IN_ORDER = ("naive", "bg_nbd", "mbg_nbd", "pareto_nbd", "fading")
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
        fields = {
            renamed.get(name, name): with_names_of_today(one) for name, one in vars(value).items()
        }
        return _said_as_today(value.earlier_class, fields)
    if isinstance(value, tuple | list):
        return [with_names_of_today(one) for one in value]
    if isinstance(value, dict):
        return {name: with_names_of_today(one) for name, one in value.items()}
    return value


def _said_as_today(earlier_class: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a record where they said the same in another way."""
    if earlier_class == "ml.champion.Champion":
        rivals = {name: fields.pop(name) for name in ("naive", "pareto_nbd")}
        return fields | {"rivals": rivals}
    if earlier_class == "ml.baselines.BuyTillYouDie":
        return fields | {"model": PURCHASE_MODELS_BY_COLUMN[fields["model"]]}
    if earlier_class == "ml.prior.Prior":
        return fields | {"weights": dict(zip(WEIGHTS_IN_ORDER, fields["weights"], strict=True))}
    return fields
