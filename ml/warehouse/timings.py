"""Where the time of a command goes: wall seconds by stage and by dbt node."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter


@dataclass(frozen=True)
class Seconds:
    """Seconds by stage in their order, and by dbt node, the slowest first."""

    stages: dict[str, float]
    nodes: dict[str, float]


@dataclass
class Timings:
    """Seconds that stages and nodes took together, in the order in which they came first.

    A stage inside another one counts for the outer one: the stages add up to the whole.
    """

    stages: dict[str, float] = field(default_factory=dict)
    nodes: dict[str, float] = field(default_factory=dict)
    _is_open: bool = field(default=False, init=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        if self._is_open:
            yield
            return
        self._is_open, begin = True, perf_counter()
        try:
            yield
        finally:
            self._is_open = False
            self.stages[name] = self.stages.get(name, 0.0) + perf_counter() - begin

    def add_nodes(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of the models and tests of one dbt build."""
        for name, value in seconds.items():
            self.nodes[name] = self.nodes.get(name, 0.0) + value

    def report(self) -> Seconds:
        """The time so far, to the millisecond."""
        slowest = sorted(self.nodes.items(), key=lambda node: (-node[1], node[0]))
        return Seconds(
            {name: round(value, 3) for name, value in self.stages.items()},
            {name: round(value, 3) for name, value in slowest},
        )
