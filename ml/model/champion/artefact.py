"""What scoring loads: everything that is frozen at the training cutoff.

Champion, clusters and population are dataclasses of plain numbers and boosters, all the way down.
So ml/ledger/artefacts.py can write them as JSON and UBJ. Their field names are in every stored
artefact: whoever renames one goes on reading the old name (ml/ledger/earlier_artefacts.py shows
how).
"""

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
