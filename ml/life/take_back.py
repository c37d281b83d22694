"""`purge --beyond-data`: what stands on days that the data does not have is taken back.

The rows of batches and measurements go from a side copy, which is published as always. Config and
files follow: a kill between them leaves files that the same command finds by their names. The
ledger of models stays as it is.
"""

from datetime import UTC, date, datetime

import duckdb

from ml.alerts import alerts
from ml.home.config import load_config
from ml.home.config_lines import write_last_score_cutoff
from ml.home.files import sha256_of, sync_folder
from ml.home.layout import Home
from ml.ledger.beyond_data import BeyondData, files_beyond, find_beyond_data, take_out
from ml.ledger.purge_log import BEYOND_DATA, Removal, append_to_log, read_log
from ml.ledger.retention import PurgeAnswer, PurgedFile
from ml.life.session import Progress, Session, connected, open_session
from ml.report.report import write_report
from ml.warehouse.tables import has_table


def take_back(home: Home, progress: Progress, today: date, *, dry_run: bool = False) -> PurgeAnswer:
    """Remove what stands on days after the end of the data, once the newest files are loaded.

    With `dry_run` it is listed, and nothing is removed or loaded.
    """
    with open_session(home, progress) as session:
        with connected(session) as con:
            beyond = beyond_data(con, home)
        if not dry_run:
            if beyond is not None and beyond.can_be_taken_back:
                progress("taking back what the data does not reach")
                _take_back(session, beyond)
            session.publish_load()
    names = beyond.files if beyond is not None else []
    files = [PurgedFile(name, BEYOND_DATA) for name in names]
    return PurgeAnswer(files, dry_run, today, beyond)


def beyond_data(con: duckdb.DuckDBPyConnection, home: Home) -> BeyondData | None:
    """What stands on days that the data does not have, by the warehouse `con` and the home."""
    return find_beyond_data(con, home, load_config(home).run.last_score_cutoff)


def _take_back(session: Session, beyond: BeyondData) -> None:
    """Log the files, publish the warehouse without the rows, then let config and files follow."""
    home, bench = session.home, session.bench
    _log(home, beyond)
    if beyond.batches or beyond.measurements:
        with bench.side.connect() as con:
            take_out(con, beyond)
            is_measured = has_table(con, "intermediate.int_measured_load")
        if is_measured:
            bench.build("monitor")
    # sent twice after a kill is better than never again
    alerts.forget_sent(
        home, [(one.cutoff, one.model_id, one.pred_months) for one in beyond.measurements]
    )
    session.publish_load()
    if beyond.last_score_cutoff is not None:
        write_last_score_cutoff(home, beyond.standing_cutoff)
    for path in files_beyond(home, beyond.newest_day):
        path.unlink()
    if home.outputs.is_dir():
        sync_folder(home.outputs)
    write_report(home, session.config.source.currency)


def _log(home: Home, beyond: BeyondData) -> None:
    """Enter the files in the purge log, those that a killed command entered not again."""
    known = {(one.file, one.sha256) for one in read_log(home) if one.rule == BEYOND_DATA}
    now = datetime.now(UTC).isoformat()
    found = [(name, sha256_of(home.root / name)) for name in beyond.files]
    new = [Removal(now, *one, BEYOND_DATA) for one in found if one not in known]
    if new:
        append_to_log(home, new)
