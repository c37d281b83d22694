"""The commands of the engine as functions: load, train, run, status.

A command brings the delivered files in, builds on a side copy, and publishes it in one rename.
CSVs and the bumped config line follow from the published warehouse; the next command makes them
again when a kill came between.
"""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb

from ml.alerts import alerts
from ml.home.config import load_config
from ml.home.config_lines import write_last_score_cutoff
from ml.home.files import write_atomically
from ml.home.layout import Home
from ml.ledger import manifest
from ml.ledger.artefacts import read_candidate
from ml.ledger.beyond_data import BeyondData
from ml.ledger.manifest import ChampionRow
from ml.ledger.purge_log import purged_files
from ml.life.answers import (
    AlertFiles,
    DocsAnswer,
    EarlyWarning,
    LoadAnswer,
    Measurement,
    NewBatch,
    OpenWindow,
    PromoteAnswer,
    RunAnswer,
    ServingModel,
    StatusAnswer,
    TrainAnswer,
)
from ml.life.session import Progress, Session, connected, open_session, require_days
from ml.life.take_back import beyond_data
from ml.report.dbt_docs import readable
from ml.report.report import write_report
from ml.warehouse import exports, state
from ml.warehouse.doubts import doubts
from ml.warehouse.left_out import left_out
from ml.warehouse.measured_windows import measure_anew
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.views import bring_over
from ml.warehouse.workbench import Workbench


def load(home: Home, progress: Progress) -> LoadAnswer:
    """Take new, replaced and removed files of the config into the warehouse."""
    with open_session(home, progress) as session:
        session.publish_load()
        with open_warehouse(home) as con:
            return LoadAnswer(
                **vars(session.loaded),
                **vars(session.delivered),
                left_out=left_out(con),
                rejected_money=state.rejected_money(con),
                doubts=doubts(con),
                beyond_data=beyond_data(con, home),
            )


def train(
    home: Home, progress: Progress, cutoff: date | None = None, *, challenger: bool = False
) -> TrainAnswer:
    """Fit a model at `cutoff` (default: the newest day) and enter it in the ledger.

    It becomes the champion, or with `challenger` is scored beside the champion. Raises
    DataNotReadyError when the data does not reach the cutoff or holds no window to learn from.
    A training that the ledger already has adds nothing.
    """
    with open_session(home, progress) as session:
        at = cutoff or session.newest_day
        require_days(session, at, session.config.training.history_months)
        if challenger:
            manifest.verified_champion(home)
        progress(f"training at {at}")
        session.bench.build("training", at)
        with session.bench.side.connect(read_only=True) as con:
            candidate = read_candidate(con)
        known = {row.model_id for row in manifest.read_manifest(home)}
        if candidate.model_id not in known:
            kind = manifest.CHALLENGER if challenger else manifest.TRAINED
            card = {"model_id": candidate.model_id, "kind": kind} | candidate.card
            manifest.add_model(home, card, candidate.artefact)
        session.bench.build("ledger")
        session.bench.publish()
    return TrainAnswer(candidate.model_id, candidate.model_id not in known, _champion(home))


def promote(home: Home, progress: Progress, model_id: str) -> PromoteAnswer:
    """Make an earlier model of the ledger the champion: a new row, nothing is rewritten."""
    limit = load_config(home).resources.memory_limit
    bring_over(home, progress, limit)
    with locked(home):
        manifest.heal(home)
        with open_warehouse(home) as con:
            exported = exports.batches(con)
        changed = manifest.promote(home, model_id)
        bench = Workbench(home, progress, limit)
        bench.build("ledger")
        with bench.side.connect(read_only=True) as con:
            replaced = set(exports.batches(con)).difference(exported)
        for batch in replaced:  # the next run writes them from the batch of the new champion
            exports.withdraw(home, batch)
            exports.withdraw_measured(home, batch)
        bench.publish()
    return PromoteAnswer(model_id, changed, _champion(home))


def run(home: Home, progress: Progress, cutoff: date | None = None) -> RunAnswer:
    """Score every cutoff that is due, or `cutoff` alone and leave the config as it is."""
    manifest.check_cards(home)
    manifest.verified_champion(home)  # else nothing is loaded
    with open_session(home, progress) as session:
        champion, scored = manifest.verified_champion(home), []
        for at in [cutoff] if cutoff else _due_cutoffs(session, champion):
            scored.append(_score(session, champion, at))
            if cutoff is None:
                write_last_score_cutoff(home, at)
        return _finish(session, champion, scored)


def _finish(session: Session, champion: ChampionRow, scored: list[NewBatch]) -> RunAnswer:
    """Measure matured windows, publish, then write exports, alerts and report."""
    home, timings = session.home, session.bench.timings
    with timings.stage("measure"):
        measured = _measure(session, [_batch(champion, one.cutoff) for one in scored])
    if session.bench.side.is_open:
        session.bench.publish()
    with timings.stage("export"):
        written = _export_missing(session)
    with timings.stage("alerts"):
        alerted = _alert(session)
    with timings.stage("report"):
        report = write_report(home, session.config.source.currency)
    return RunAnswer(
        model_id=champion.model_id,
        batches=scored,
        measured=measured,
        exports=written,
        early_warnings=_early_warnings(home),
        **vars(alerted),
        report=home.relative(report),
        next_cutoff=_next_cutoff(home, champion),
        seconds=timings.report(),
        **vars(session.delivered),
        beyond_data=_beyond_data(home),
    )


def status(home: Home) -> StatusAnswer:
    """Champion, calendar, data and open matters of the home; checks the ledger."""
    config = load_config(home)
    bring_over(home, memory_limit=config.resources.memory_limit)
    rows = manifest.check_ledger(home)
    champion = manifest.champion(home) if rows else None
    with open_warehouse(home) as con:
        newest, measured = state.newest_day(con), _measurements(con)
        return StatusAnswer(
            champion=_champion(home) if champion else None,
            champions=len(rows),
            newest_day=newest,
            next_cutoff=_next_cutoff(home, champion) if champion else None,
            last_measured=measured[-1] if measured else None,
            data=state.delivery(con),
            doubts=len(doubts(con)),
            open_windows=[OpenWindow(**window) for window in state.open_windows(con)],
            early_warnings=[EarlyWarning(**warning) for warning in state.early_warnings(con)],
            undelivered_alerts=alerts.undelivered(con, home, config),
            beyond_data=beyond_data(con, home),
        )


def _score(session: Session, champion: ChampionRow, cutoff: date) -> NewBatch:
    """Build, publish and export one batch."""
    require_days(session, cutoff, champion.history_months)
    session.progress(f"scoring {cutoff}")
    report = session.bench.build("batch", cutoff)
    batch = _batch(champion, cutoff)
    exports.withdraw(session.home, batch)
    session.bench.publish()
    with open_warehouse(session.home) as con:
        with session.bench.timings.stage("export"):
            exports.export_batch(con, session.home, batch, parquet=session.config.exports.parquet)
        facts = state.batch_facts(con, cutoff, champion.model_id)
    warnings = list(report.warnings)
    if cutoff < champion.training_cutoff:
        warnings.append(
            f"{cutoff} lies before the training of {champion.model_id} at "
            f"{champion.training_cutoff}: it may have seen what it predicts here"
        )
    return NewBatch(**facts, warnings=warnings)


def _batch(champion: ChampionRow, cutoff: date) -> exports.Batch:
    return exports.Batch(cutoff, champion.pred_months, champion.model_id)


def _measure(session: Session, scored: list[exports.Batch]) -> list[Measurement]:
    """Measure the windows that have matured and are not measured, or whose rows were restated.

    Windows of batches that were `scored` just now are measured anew.
    """
    with connected(session) as con:
        before = _measurements(con)
        if not scored and state.is_measured(con):
            return []
    session.progress("measuring matured windows")
    with session.bench.side.connect() as con:
        for batch in scored:
            measure_anew(con, batch.cutoff, batch.model_id)
    session.bench.build("monitor")
    for batch in scored:
        exports.withdraw_measured(session.home, batch)
    with connected(session) as con:
        measured = [window for window in _measurements(con) if window not in before]
    for window in measured:
        batch = exports.Batch(window.cutoff, window.pred_months, window.model_id)
        exports.withdraw_measured(session.home, batch)
    return measured


def _measurements(con: duckdb.DuckDBPyConnection) -> list[Measurement]:
    return [Measurement(**window) for window in state.measurements(con)]


def _early_warnings(home: Home) -> list[EarlyWarning]:
    with open_warehouse(home) as con:
        return [EarlyWarning(**warning) for warning in state.early_warnings(con)]


def _beyond_data(home: Home) -> BeyondData | None:
    with open_warehouse(home) as con:
        return beyond_data(con, home)


def _alert(session: Session) -> AlertFiles:
    """Write the alert files of the published warehouse and deliver what was not delivered yet."""
    home, config = session.home, session.config
    with open_warehouse(home) as con:
        drifts = alerts.alerting(con, home, config.alerts.first)
    withdrawn = alerts.withdraw_settled(home, drifts)
    written = alerts.write_alerts(home, drifts, config.source.currency, purged_files(home))
    return AlertFiles(
        [home.relative(path) for path in written],
        [home.relative(path) for path in withdrawn],
        alerts.deliver_alerts(home, config, drifts, os.environ),
    )


def _due_cutoffs(session: Session, champion: ChampionRow) -> Iterator[date]:
    """Cutoffs that are due and that the data reaches, oldest first, as they become due."""
    while (cutoff := _next_cutoff(session.home, champion)) <= session.newest_day:
        yield cutoff


def _next_cutoff(home: Home, champion: ChampionRow) -> date:
    last = load_config(home).run.last_score_cutoff
    with open_warehouse(home) as con:
        return state.upcoming_cutoff(con, last, champion.model_id, champion.training_cutoff)


def _export_missing(session: Session) -> list[str]:
    home, parquet = session.home, session.config.exports.parquet
    purged = purged_files(home)
    with open_warehouse(home) as con:
        return [
            home.relative(path)
            for batch in exports.batches(con)
            for path in exports.export_batch(con, home, batch, purged, parquet=parquet)
        ]


def _champion(home: Home) -> ServingModel:
    row = manifest.champion(home)
    return ServingModel(
        row.model_id,
        row.training_cutoff,
        row.history_months,
        row.pred_months,
        row.baseline("rmse"),
        row.baseline("r2"),
    )


def docs(home: Home, progress: Progress, folder: Path | None = None) -> DocsAnswer:
    """The dbt docs of the warehouse as one page in the outputs, or in `folder` if one is given.

    With a folder the home is only read.
    """
    limit = load_config(home).resources.memory_limit
    text = readable(Workbench(home, progress, limit).docs())
    page = (folder or home.outputs) / "docs.html"
    if folder is not None:
        write_atomically(page, text.encode())
        return DocsAnswer(str(page))
    with locked(home):
        write_atomically(page, text.encode())
        return DocsAnswer(home.relative(page))
