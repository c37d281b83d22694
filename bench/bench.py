"""Time the engine beside a bare script and lifetimes, alternating, and write what was measured.

python bench/bench.py [--customers N]... [--alternations N]
Every figure is of a whole process: CPU-seconds (user and system), wall seconds, peak memory.
"""

import itertools
import json
import math
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from generate import generate_log, split_log

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "warehouse" / "bench"
CUTOFF = date(2011, 8, 31)
FORTNIGHT = 14
SLOWEST = 10
MILLION = 1_000_000
# 1.5M, 4.4M and 14.7M lines; --customers 3300000 makes 97M (the generator then takes 15 GB)
SIZES = [50_000, 150_000, 500_000]
# pandas holds the whole log: more lines than this do not fit beside it
LIFETIMES_MOST_LINES = 20 * MILLION


@dataclass(frozen=True)
class Figures:
    """One process: CPU-seconds, wall seconds, peak memory in GB."""

    cpu: float
    wall: float
    memory: float


def measured(command: list[str], said: Path = Path(os.devnull)) -> Figures:
    """Run `command` to its end; `said` takes its stdout.

    Errors: SystemExit with its last line if it fails.
    """
    begin = time.perf_counter()
    with said.open("w", encoding="utf-8") as stdout:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=REPOSITORY,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    errors = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"{' '.join(command)}: failed ({last})")
    cpu = usage.ru_utime + usage.ru_stime
    return Figures(cpu, time.perf_counter() - begin, usage.ru_maxrss / 2**20)


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "system": platform.system(),
    }


@dataclass(frozen=True)
class Log:
    """A generated log in two deliveries, and a home with a champion trained on the first."""

    lines: int
    folder: Path

    @property
    def first(self) -> Path:
        """The lines up to the cutoff."""
        return self.folder / "first.parquet"

    @property
    def second(self) -> Path:
        """The lines of the fortnight after it."""
        return self.folder / "second.parquet"

    @property
    def home(self) -> Path:
        """A home that reads what was delivered to its warehouse/raw."""
        return self.folder / "home"

    def engine(self, *arguments: str) -> Figures:
        """One command of the engine on the home."""
        home = ["--home", str(self.home), "--quiet", "--json"]
        return measured(["orchestrate.py", *home, *arguments], self.said)

    @property
    def said(self) -> Path:
        """What the last command of the engine answered."""
        return self.folder / "said.json"

    def slowest(self) -> dict[str, float]:
        """The stages of the last run and its SLOWEST nodes, in wall seconds."""
        seconds = json.loads(self.said.read_text(encoding="utf-8"))["seconds"]
        return seconds["stages"] | dict(list(seconds["nodes"].items())[:SLOWEST])


def apart(function: Callable[..., object], *arguments: object) -> None:
    """Call in a process of its own: what is measured later would inherit its peak of memory."""
    worker = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    worker.start()
    worker.join()
    if worker.exitcode:
        raise SystemExit(f"{function.__name__}: failed; its reason stands above")


def prepare(customers: int) -> Log:
    """The log of so many customers and its home, made once."""
    folder = FOLDER / f"{customers}_customers"
    folder.mkdir(parents=True, exist_ok=True)
    whole = folder / "log.parquet"
    if not whole.exists():
        part = folder / "part.parquet"
        apart(generate_log, customers, part)
        part.rename(whole)
    (lines,) = duckdb.sql(f"select count(*) from '{whole}'").fetchone() or (0,)
    log = Log(int(lines), folder)
    if not log.second.exists():
        apart(split_log, whole, log.first, log.second, CUTOFF, FORTNIGHT)
    return log


def new_home(log: Log) -> None:
    """A home with the first delivery and the shipped config, nothing trained."""
    shutil.rmtree(log.home, ignore_errors=True)
    raw = log.home / "warehouse" / "raw"
    raw.mkdir(parents=True)
    (log.home / "config").mkdir()
    shutil.copy(REPOSITORY / "config" / "model_config.yaml", log.home / "config")
    os.link(log.first, raw / "first.parquet")


def forget_runs(log: Log) -> None:
    """The home as it was after the training, its warehouse lost: the next run is a first one.

    dbt's parsed project stays, as it stays with a user.
    """
    for path in (log.home / "warehouse").iterdir():
        if path.name not in {"raw", "models", ".dbt"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (log.home / "warehouse" / "raw" / "second.parquet").unlink(missing_ok=True)
    shutil.copy(REPOSITORY / "config" / "model_config.yaml", log.home / "config")


def alternate(log: Log, *, with_peers: bool) -> Iterator[tuple[str, Figures]]:
    """One round: floor, first run, lifetimes, and the run a fortnight later."""
    out = log.folder / "out"
    out.mkdir(exist_ok=True)
    script = [str(log.first), CUTOFF.isoformat(), str(out)]
    yield "floor", measured(["bench/floor.py", *script])
    forget_runs(log)
    yield "first run", log.engine("run")
    if with_peers and log.lines <= LIFETIMES_MOST_LINES:
        yield "lifetimes", measured(["bench/lifetimes_peer.py", *script])
    os.link(log.second, log.home / "warehouse" / "raw" / "second.parquet")
    yield "next run", log.engine("run", "--cutoff", str(CUTOFF + timedelta(days=FORTNIGHT)))


def median(figures: list[Figures]) -> Figures:
    """Median of every figure."""
    rows = [asdict(one) for one in figures]
    return Figures(**{name: statistics.median(row[name] for row in rows) for name in rows[0]})


def measure_size(customers: int, alternations: int) -> dict[str, Any]:
    """All figures of one size: rounds, medians, and what `train` took once."""
    log = prepare(customers)
    new_home(log)
    training = log.engine("train", "--cutoff", CUTOFF.isoformat())
    found: dict[str, list[Figures]] = {}
    slowest = {}
    for number in range(alternations):
        typer.echo(f"{log.lines:,} lines: round {number + 1} of {alternations}", err=True)
        for name, figures in alternate(log, with_peers=True):
            found.setdefault(name, []).append(figures)
            if name.endswith("run"):
                slowest[name] = log.slowest()
    medians = {name: median(figures) for name, figures in found.items()}
    return {
        "customers": customers,
        "lines": log.lines,
        "train": asdict(training),
        "medians": {name: asdict(figures) for name, figures in medians.items()},
        "rounds": {name: [asdict(one) for one in figures] for name, figures in found.items()},
        "slowest_of_last_round": slowest,
        "first_run_to_floor": medians["first run"].cpu / medians["floor"].cpu,
        "next_run_to_first": medians["next run"].cpu / medians["first run"].cpu,
    }


def growth(sizes: list[dict]) -> list[dict[str, float]]:
    """From each size to the next: cost of the first run ~ lines ** exponent, in CPU-seconds."""
    return [
        {
            "lines": large["lines"],
            "exponent": math.log(
                large["medians"]["first run"]["cpu"] / small["medians"]["first run"]["cpu"]
            )
            / math.log(large["lines"] / small["lines"]),
        }
        for small, large in itertools.pairwise(sizes)
    ]


def table(sizes: list[dict]) -> str:
    """The medians as a Markdown table."""
    lines = [
        "| lines | process | rounds | CPU-seconds | wall seconds | peak GB | CPU to floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for size in sizes:
        floor = size["medians"]["floor"]["cpu"]
        for name, one in {**size["medians"], "train": size["train"]}.items():
            rounds = len(size["rounds"].get(name, [one]))
            lines.append(
                f"| {size['lines']:,} | {name} | {rounds} | {one['cpu']:.1f} | {one['wall']:.1f}"
                f" | {one['memory']:.2f} | {one['cpu'] / floor:.2f} |"
            )
    return "\n".join(lines)


def write_results(measured_now: dict[str, Any]) -> str:
    """Put one size beside those measured before on this machine; the table of all of them."""
    path, here = FOLDER / "results.json", machine()
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known = before.get("sizes", []) if before.get("machine") == here else []
    others = [size for size in known if size["customers"] != measured_now["customers"]]
    sizes = sorted([*others, measured_now], key=lambda size: size["customers"])
    steps = growth(sizes)
    result = {"machine": here, "sizes": sizes, "growth": steps}
    path.write_text(json.dumps(result, indent=2), encoding="utf-8")
    text = f"{json.dumps(here)}\n\n{table(sizes)}\n"
    for step in steps:
        text += f"\nFirst run, up to {step['lines']:,} lines: lines ** {step['exponent']:.2f}\n"
    (FOLDER / "results.md").write_text(text, encoding="utf-8")
    return text


def main(
    customers: Annotated[list[int] | None, typer.Option(help="Size; may be given again.")] = None,
    alternations: Annotated[int, typer.Option(min=1, help="Rounds of every size.")] = 3,
) -> None:
    """Measure every size, write warehouse/bench/results.json and results.md, print the table.

    Sizes that were measured before on the same machine stay in both.
    """
    for count in sorted(customers or SIZES):
        typer.echo(write_results(measure_size(count, alternations)))


if __name__ == "__main__":
    typer.run(main)
