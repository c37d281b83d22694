"""What scoring loads: everything that is frozen at the training cutoff."""

from dataclasses import dataclass

from ml.model.champion.champion import Champion
from ml.model.forecast.clusters import BehaviourClusters
from ml.model.measures.population import Population


@dataclass(frozen=True)
class Artefact:
    """A champion, its clusters and the population of its training (None in early artefacts)."""

    champion: Champion
    clusters: BehaviourClusters
    population: Population | None = None
