"""`doctor`: every check there is, whatever the others find. Changes nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ml.health import home_checks, mart_checks, warehouse_checks
from ml.health.findings import (
    BROKEN,
    OK,
    SKIPPED,
    Examined,
    Finding,
    NotCheckedError,
    broken,
    of_error,
)
from ml.home.errors import EngineError
from ml.home.layout import Home

CHECKS: dict[str, Callable[[Examined], Iterable[Finding]]] = {
    "libraries": home_checks.libraries,
    "home": home_checks.folders,
    "config": home_checks.config,
    "time zone": home_checks.time_zone,
    "files": home_checks.files,
    "lock": home_checks.lock,
    "leftovers": home_checks.leftovers,
    "warehouse": warehouse_checks.warehouse,
    "tables": warehouse_checks.tables,
    "marts": mart_checks.marts,
    "loaded": warehouse_checks.loaded,
    "doubts": warehouse_checks.doubts,
    "ledger": warehouse_checks.ledger,
    "champion": warehouse_checks.champion,
    "days": warehouse_checks.days,
    "exports": warehouse_checks.exported,
    "forgotten": warehouse_checks.forgotten,
    "disk": home_checks.space,
    "permissions": home_checks.permissions,
    "alerts": home_checks.channels,
}


@dataclass(frozen=True)
class DoctorAnswer:
    """Every finding, and the exit code of the first that is broken, else 0."""

    checks: list[Finding]
    exit_code: int


def doctor(home: Home, progress: Callable[[str], None]) -> DoctorAnswer:
    """What every check found; the exit code is that of the first that is broken, else 0."""
    examined = Examined(home)
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        progress(f"checking {name}")
        findings += [finding.of(name) for finding in _findings(check, examined)]
    codes = [finding.exit_code for finding in findings if finding.level == BROKEN]
    return DoctorAnswer(findings, codes[0] if codes else 0)


def _findings(check: Callable[[Examined], Iterable[Finding]], examined: Examined) -> list[Finding]:
    """What a check found; that all is well only where it found nothing else."""
    findings: list[Finding] = []
    try:
        findings.extend(check(examined))
    except NotCheckedError as reason:
        findings.append(Finding(SKIPPED, str(reason)))
    except EngineError as error:
        findings.append(of_error(error))
    except Exception as error:  # a check that fails is a finding, the others still have to run
        what = f"could not be checked ({type(error).__name__})"
        findings.append(broken(what, "look first at what the other checks found"))
    wrong = [finding for finding in findings if finding.level != OK]
    return wrong or findings
