"""How long files are kept, and `purge`. Removes artefacts, cards and batch files of the home.

Every removal stands in warehouse/purge_log.csv before the file is gone; the manifest is never
shortened. What a kill left between the two is removed by the next purge.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from dateutil.relativedelta import relativedelta

from ml.home.config import Retention, load_config
from ml.home.files import sha256_of, sync_folder
from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.beyond_data import BeyondData
from ml.ledger.manifest import ChampionRow, models_in_use
from ml.ledger.purge_log import Removal, append_to_log, read_log
from ml.warehouse import exports
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.state import newest_day
from ml.warehouse.tables import has_table
from ml.warehouse.views import bring_over


@dataclass(frozen=True)
class ScoredBatch:
    """A batch, the last day of its label window, and whether that has come and was measured."""

    batch: exports.Batch
    window_end: date
    has_matured: bool
    is_measured: bool
    is_exported: bool


@dataclass(frozen=True)
class Due:
    """A file that is too old, and the rule that says so."""

    path: Path
    rule: str


@dataclass(frozen=True)
class PurgedFile:
    """A file that went, or with `dry_run` would go, by its path in the home, and the rule."""

    file: str
    rule: str


@dataclass(frozen=True)
class PurgeAnswer:
    """What retention did not keep on a day (UTC), or would not keep.

    beyond_data: what `--beyond-data` took back or would take back, None without that option.
    """

    files: list[PurgedFile]
    dry_run: bool
    today: date
    beyond_data: BeyondData | None


def purge(
    home: Home, progress: Callable[[str], None], today: date, *, dry_run: bool = False
) -> PurgeAnswer:
    """Remove what `retention` of the config no longer keeps on `today` (a day in UTC).

    With `dry_run` the files are listed and nothing is removed.
    """
    config = load_config(home)
    bring_over(home, progress, config.resources.memory_limit)
    with locked(home):
        manifest.heal(home)
        log, due = read_log(home), due_files(home, config.retention, today)
        if due and not dry_run:
            progress(f"removing {len(due)} file(s)")
            _remove(home, due, log)
    files = [PurgedFile(home.relative(one.path), one.rule) for one in due]
    return PurgeAnswer(files, dry_run, today, None)


def due_files(home: Home, limits: Retention, today: date) -> list[Due]:
    """The files that are no longer kept: artefacts, then cards, then batch files, by name."""
    rows = manifest.read_manifest(home)
    with open_warehouse(home) as con:
        newest, batches = newest_day(con), scored_batches(con)
    open_models = {one.batch.model_id for one in batches if not one.has_matured}
    models = old_models(rows, today, relativedelta(months=limits.model_months)) - open_models
    artefacts = [manifest.artefact_path(home, model) for model in sorted(models)]
    due = [Due(path, f"model_months={limits.model_months}") for path in artefacts if path.exists()]
    going = {one.path for one in due}
    for model in sorted(old_models(rows, today, relativedelta(years=limits.ledger_years))):
        artefact = manifest.artefact_path(home, model)
        if artefact in going or not artefact.exists():
            rule = f"ledger_years={limits.ledger_years}"
            due += [Due(path, rule) for path in _card_files(home, model)]
    rule = f"outputs_months={limits.outputs_months}"
    return due + [
        Due(path, rule)
        for one in finished_batches(batches, newest, limits.outputs_months)
        for path in exports.export_paths(home, one)
        if path.exists()
    ]


def old_models(rows: list[ChampionRow], today: date, age: relativedelta) -> set[str]:
    """Models not in use of which every row of the ledger is at least `age` old on `today`."""
    young = {row.model_id for row in rows if row.written_on + age > today}
    return {row.model_id for row in rows} - young - models_in_use(rows)


def finished_batches(
    batches: Iterable[ScoredBatch], newest: date | None, outputs_months: int
) -> list[exports.Batch]:
    """Exported batches whose window was measured and ended `outputs_months` before `newest`."""
    age = relativedelta(months=outputs_months)
    return [
        one.batch
        for one in batches
        if newest is not None
        and one.is_exported
        and one.is_measured
        and one.window_end + age <= newest
    ]


def scored_batches(con: duckdb.DuckDBPyConnection) -> list[ScoredBatch]:
    """All batches of the warehouse, by cutoff and model; without drift report none is measured."""
    if not has_table(con, "marts.batch_windows"):
        return []
    measured = set[tuple[date, str]]()
    if has_table(con, "marts.drift_report"):
        measured |= set(con.execute("select cutoff, model_id from marts.drift_report").fetchall())
    exported = set(exports.batches(con))
    rows = con.execute(
        "select cutoff, pred_months, model_id, window_end, has_matured from marts.batch_windows"
        " order by cutoff, model_id"
    ).fetchall()
    return [
        ScoredBatch(
            batch,
            window_end=window_end,
            has_matured=bool(has_matured),
            is_measured=(batch.cutoff, batch.model_id) in measured,
            is_exported=batch in exported,
        )
        for *key, window_end, has_matured in rows
        for batch in [exports.Batch(*key)]
    ]


def _card_files(home: Home, model_id: str) -> list[Path]:
    """The card and its Markdown page, those that exist."""
    card = manifest.card_path(home, model_id)
    return [path for path in (card, card.with_suffix(".md")) if path.exists()]


def _remove(home: Home, due: list[Due], log: list[Removal]) -> None:
    """Write the files into the log, then remove them."""
    logged = {removal.file: removal for removal in log}
    now = datetime.now(UTC).isoformat()
    new = [Removal(now, home.relative(one.path), sha256_of(one.path), one.rule) for one in due]
    append_to_log(
        home,
        [
            removal
            for removal, one in zip(new, due, strict=True)
            if not _is_unfinished(logged.get(removal.file), removal.sha256, one.path)
        ],
    )
    for one in due:
        one.path.unlink(missing_ok=True)
    for folder in {one.path.parent for one in due}:
        sync_folder(folder)


def _is_unfinished(logged: Removal | None, sha256: str, path: Path) -> bool:
    """Whether a killed purge logged the file but did not remove it."""
    if logged is None or logged.sha256 != sha256:
        return False
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return written <= datetime.fromisoformat(logged.timestamp)
