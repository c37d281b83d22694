"""Checks of what surrounds the warehouse: libraries, home, config, files, lock, disk, channels."""

import os
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import duckdb

from ml.delivery.load import check_file
from ml.delivery.source_files import files_to_read, source_files
from ml.health.findings import Examined, Finding, broken, of_error, ok, warning
from ml.home.config import load_config
from ml.home.errors import CallError, EngineError, LockHeldError
from ml.home.layout import REPOSITORY
from ml.ledger.provenance import locked_versions, needed_libraries
from ml.warehouse.side_copy import left_parts

SPARE = 2.0  # times the warehouse: its side copy, and what a batch adds


def libraries(_: Examined) -> Iterator[Finding]:
    """Python and the locked packages; packages of extras count only if they are installed."""
    needed = needed_libraries(REPOSITORY)
    missing, other = [], []
    for name, wanted in locked_versions(REPOSITORY).items():
        try:
            if version(name) != wanted:
                other.append(f"{name} {version(name)} instead of {wanted}")
        except PackageNotFoundError:
            if name in needed:
                missing.append(name)
    install = f"{shlex.quote(sys.executable)} -m pip install --require-hashes -r requirements.lock"
    if missing:
        yield broken(f"not installed: {', '.join(missing)}", install)
    if other:
        yield warning(f"not the locked versions: {', '.join(other)}", install)
    if not missing and not other:
        yield ok(f"Python {sys.version.split()[0]}, packages as locked")


def folders(examined: Examined) -> Iterator[Finding]:
    """The folders of the home are folders, and this user may write in them."""
    home = examined.home
    for folder in (home.root, home.config.parent, home.warehouse):
        name = home.relative(folder)
        if folder.exists() and not folder.is_dir():
            yield broken(f"{name} is not a folder", f"mv {shlex.quote(str(folder))} elsewhere")
        elif folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            yield broken(f"you may not write in {name}", f"chmod u+rwx {shlex.quote(str(folder))}")
    yield ok(str(home.root))


def config(examined: Examined) -> Iterator[Finding]:
    """Every key of the config is known and has a valid value."""
    home = examined.home
    try:
        load_config(home)
        yield ok(f"{home.relative(home.config)}: every key is known")
    except CallError as error:
        here, to = shlex.quote(str(home.config)), REPOSITORY / "config" / "model_config.yaml"
        copy = f"mkdir -p {shlex.quote(str(home.config.parent))} && cp {to} {here}"
        edit = f"correct that line: ${{EDITOR:-vi}} {here}"
        yield broken(str(error), edit if home.config.exists() else copy, error.exit_code)


def time_zone(examined: Examined) -> Iterator[Finding]:
    """DuckDB knows the time zone of the config."""
    zone = examined.config.source.timezone
    with duckdb.connect() as con:
        known = con.execute("select 1 from pg_timezone_names() where name = ?", [zone]).fetchone()
    if known:
        yield ok(zone)
    else:
        remedy = "write another name of the zone in source.timezone, such as Europe/London"
        yield broken(f"DuckDB does not know the time zone {zone}", remedy, CallError.exit_code)


def files(examined: Examined) -> Iterator[Finding]:
    """The files of the config are there, can be read, and have the mapped columns."""
    home, source = examined.home, examined.config.source
    try:
        delivered = files_to_read(home, source_files(home, source))
    except EngineError as error:
        yield of_error(error)
        return
    with duckdb.connect() as con:
        for file in delivered:
            try:
                check_file(con, home, source, file)
            except EngineError as error:
                yield of_error(error)
            except OSError as error:
                what = f"{file.name(home)}: cannot be read ({error.strerror})"
                yield broken(what, f"chmod u+r {shlex.quote(str(file.path))}")
    yield ok(f"{len(delivered)} file(s) of source.files")


def lock(examined: Examined) -> Iterator[Finding]:
    """No process holds the lock of the home."""
    home = examined.home
    holder = lock_holder(home.lock)
    if holder is None:
        yield ok(f"{home.relative(home.lock)} is free")
    else:
        what = f"process {holder} holds {home.relative(home.lock)}"
        yield broken(what, f"wait for it to end: ps -p {holder}", LockHeldError.exit_code)


def lock_holder(path: Path, locks: Path = Path("/proc/locks")) -> int | None:
    """Process that holds a lock on the file; None also where the system does not tell."""
    if not path.exists() or not locks.exists():
        return None
    file = path.stat()
    device = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    for line in locks.read_text().splitlines():
        fields = line.split()
        if device in fields and "->" not in fields:
            return int(fields[fields.index(device) - 1])
    return None


def leftovers(examined: Examined) -> Iterator[Finding]:
    """No killed command left temporary files; those of a running command are no finding."""
    home = examined.home
    if lock_holder(home.lock) is not None:
        yield ok("a command is at work")
        return
    parts = left_parts(home)
    if parts or home.build.exists():
        count = len(parts) + home.build.exists()
        what = f"a killed command left {count} temporary file(s) or folder(s)"
        yield warning(what, examined.command("load"))
    else:
        yield ok("no temporary files")


def space(examined: Examined) -> Iterator[Finding]:
    """The disk has room for a side copy of the warehouse."""
    home = examined.home
    size = home.database.stat().st_size if home.database.exists() else 0
    free = shutil.disk_usage(home.root).free
    what = f"{free / 1e9:,.1f} GB free, the warehouse has {size / 1e9:,.1f} GB"
    remedy = f"df -h {shlex.quote(str(home.root))}; free {SPARE * size / 1e9:,.1f} GB"
    if free < size:
        yield broken(f"{what}: its side copy has no room", remedy)
    elif free < SPARE * size:
        yield warning(f"{what}: a batch may not have room", remedy)
    else:
        yield ok(what)


def permissions(examined: Examined) -> Iterator[Finding]:
    """Only the owner can read files with customers, by their mode or by that of the folder."""
    home = examined.home
    if not home.warehouse.is_dir() or not home.warehouse.stat().st_mode & 0o077:
        yield ok("only the owner can read warehouse/")
        return
    held = [home.database, home.tombstones, *home.models.glob("*.joblib")]
    held += [path for folder in ("raw", "outputs") for path in (home.warehouse / folder).rglob("*")]
    open_files = [
        path for path in held if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_files:
        what = f"other users can read {len(open_files)} file(s) with customers in warehouse/"
        yield warning(what, f"chmod go= {shlex.quote(str(home.warehouse))}")
    else:
        yield ok("only the owner can read the files with customers")


def channels(examined: Examined) -> Iterator[Finding]:
    """The channels that the config asks for have their package and their secret."""
    wanted = examined.config.alerts
    asked = [("jira", "jira", "CLV_JIRA_TOKEN")] if wanted.jira is not None else []
    asked += [("apprise", "alerts", "CLV_APPRISE_URLS")] if wanted.apprise else []
    for package, extra, variable in asked:
        if not os.environ.get(variable, "").strip():
            what = f"alerts.{package} is on, but {variable} is not set: alerts stay in files"
            yield warning(what, f"export {variable}=…")
        if find_spec(package) is None:
            what = f"alerts.{package} is on, but its package is missing"
            yield warning(what, f"{sys.executable} -m pip install 'house-ware-clv-engine[{extra}]'")
    yield ok(", ".join(name for name, *_ in asked) or "none configured")
