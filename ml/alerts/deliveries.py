"""Delivery of a drift alert: one Jira ticket per model and window, and a message by apprise.

Owns a small state file that remembers what was delivered. No channel can fail the caller.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from ml.home.files import write_atomically
from ml.home.layout import REPOSITORY

if TYPE_CHECKING:
    from ml.home.config import Alerts, Jira

JIRA_SECONDS, APPRISE_SECONDS = 10.0, 5.0  # the longest an alert may keep the run
# A ticket just created may not be found yet: so long after a creation without an answer nothing
# is created for the same alert.
SETTLE_SECONDS = 20.0
SECOND_LOOK_SECONDS = 1.0  # and so soon it is searched for once within the run
LATER = "the next run tries again"
LOOK = "the next run looks for it before it opens one"
REFUSALS = {
    400: "does not take the ticket; check alerts.jira.project and issue_type",
    401: "refused the login; check CLV_JIRA_TOKEN and CLV_JIRA_EMAIL",
    403: "does not allow it; check the rights of CLV_JIRA_TOKEN",
    404: "knows no such address; check alerts.jira.url",
    429: "wants fewer requests",
}


@dataclass(frozen=True)
class Alert:
    """A drift alert of one model and prediction window; `body` is Markdown."""

    model_id: str
    cutoff: date
    pred_months: int
    title: str
    body: str

    @property
    def fingerprint(self) -> str:
        """Label of the alert, the same for the same model and window."""
        key = f"{self.model_id}|{self.cutoff.isoformat()}|{self.pred_months}"
        return f"clv-drift-{sha256(key.encode()).hexdigest()[:12]}"

    @property
    def name(self) -> str:
        return f"drift alert of {self.cutoff} ({self.pred_months} months)"


class Sent(BaseModel):
    """What is remembered of one alert: its ticket, a creation without an answer, channels told."""

    ticket: str | None = None
    tried_at: datetime | None = None
    channels: list[str] = []

    def is_settling(self, now: datetime) -> bool:
        """Whether a creation without an answer is too fresh to be searched for with certainty."""
        if self.tried_at is None:
            return False
        return 0 <= (now - self.tried_at).total_seconds() < SETTLE_SECONDS


STATE = TypeAdapter(dict[str, Sent])
Remember = Callable[[Sent], None]


def deliver(
    alert: Alert, alerts_config: "Alerts", state_path: Path, environment: Mapping[str, str]
) -> list[str]:
    """Send `alert` to the configured channels that do not have it; returns messages.

    A channel that is down, slow or refusing is a message, not an error; the same call later
    tries again and adds nothing to what was delivered. Raises OSError where `state_path` cannot
    be written: nothing is sent that could not be remembered. Tokens and apprise addresses come
    from `environment` and appear in no message, log or file.
    """
    sent = remembered(state_path, alert)

    def remember(now: Sent) -> None:
        _remember(state_path, alert.fingerprint, now)

    messages: list[str] = []
    if alerts_config.jira is not None:
        sent, message = _to_jira(alert, alerts_config.jira, sent, environment, remember)
        messages.append(message)
    if alerts_config.apprise:
        messages += _to_apprise(alert, sent, environment, remember)
    return [f"{alert.name}: {message}" for message in messages]


# Jira


def _to_jira(
    alert: Alert, jira: "Jira", sent: Sent, environment: Mapping[str, str], remember: Remember
) -> tuple[Sent, str]:
    """The new memory of the ticket, and a message; a creation is noted before it is tried."""
    if sent.ticket is not None:
        return sent, f"has Jira ticket {sent.ticket}"
    token = environment.get("CLV_JIRA_TOKEN", "").strip()
    if not token:
        return sent, f"no ticket yet: set CLV_JIRA_TOKEN; {LATER}"
    if find_spec("jira") is None:
        return sent, f"no ticket yet: {_missing('jira')}; {LATER}"
    now = datetime.now(UTC)
    settling = sent.is_settling(now)
    if not settling:
        remember(sent.model_copy(update={"tried_at": now}))
    email = environment.get("CLV_JIRA_EMAIL", "").strip()
    job = {"token": token, "email": email, "create": not settling, **_ticket(alert, jira)}
    answers = _work(job, JIRA_SECONDS, environment)
    after, message = _of_jira(answers[-1] if answers else {}, sent, datetime.now(UTC))
    remember(after)
    return after, message


def _ticket(alert: Alert, jira: "Jira") -> dict[str, Any]:
    return {
        "kind": "jira",
        "second_look_seconds": SECOND_LOOK_SECONDS,
        **jira.model_dump(),
        "label": alert.fingerprint,
        "title": alert.title,
        "body": alert.body,
    }


def _of_jira(answer: Mapping[str, Any], sent: Sent, now: datetime) -> tuple[Sent, str]:
    """The new memory, and a message, after an answer of the Jira process."""
    key, outcome = str(answer.get("key")), answer.get("outcome")
    if outcome in {"found", "opened"} and re.fullmatch(r"[A-Z][A-Z0-9_]+-\d{1,12}", key):
        known = sent.model_copy(update={"ticket": key, "tried_at": None})
        return known, f"Jira ticket {key} {outcome}"
    why = _why(answer)
    if outcome == "failed":
        return sent, f"no ticket yet: Jira {why}; {LATER}"
    if outcome == "absent":
        return sent, f"ticket not confirmed: Jira does not show it yet; {LOOK}"
    unclear = sent.model_copy(update={"tried_at": now})
    return unclear, f"ticket not confirmed: Jira {why}; {LOOK}"


def _why(answer: Mapping[str, Any]) -> str:
    status, error = answer.get("status"), answer.get("error")
    if status is not None and status >= 400:
        return f"{REFUSALS.get(status, 'answered with an error')} ({status})"
    if error in {"ConnectionError", "ConnectTimeout", "ProxyError", "SSLError"}:
        return f"cannot be reached ({error})"
    if error == "ReadTimeout":
        return "gave no answer in time (ReadTimeout)"
    if error is not None:
        return f"gave an answer that is not Jira's ({error})"
    return "gave no full answer in time"


# apprise


def _to_apprise(
    alert: Alert, sent: Sent, environment: Mapping[str, str], remember: Remember
) -> list[str]:
    """Tell every channel that was not reached; one message for each."""
    channels = channel_names(environment.get("CLV_APPRISE_URLS", ""))
    if not channels:
        return ["not sent by apprise: set CLV_APPRISE_URLS"]
    owed = {name: url for name, url in channels.items() if name not in sent.channels}
    messages = [f"was sent by apprise channel {name}" for name in channels if name not in owed]
    if not owed:
        return messages
    if find_spec("apprise") is None:
        return [*messages, f"not sent by apprise: {_missing('alerts')}; {LATER}"]
    job = {"kind": "apprise", "channels": owed, "title": alert.title, "body": alert.body}
    answers = {
        answer["channel"]: answer.get("outcome")
        for answer in _work(job, APPRISE_SECONDS, environment)
        if answer.get("channel") in owed
    }
    reached = [name for name in owed if answers.get(name) == "sent"]
    if reached:
        remember(sent.model_copy(update={"channels": [*sent.channels, *reached]}))
    return messages + [_of_apprise(name, answers.get(name)) for name in owed]


def _of_apprise(name: str, outcome: str | None) -> str:
    if outcome == "sent":
        return f"sent by apprise channel {name}"
    if outcome == "refused":
        return f"not sent by apprise channel {name}: not an address apprise knows; {LATER}"
    return f"not sent by apprise channel {name}: it failed or gave no answer in time; {LATER}"


def channel_names(urls: str) -> dict[str, str]:
    """Name to address of the addresses in CLV_APPRISE_URLS, parted by blanks or commas.

    A name is the kind and its number among those ("mailto 1"): nothing secret, stable as long as
    their order is.
    """
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for url in re.split(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)", urls.strip()):
        if url:
            scheme = re.match(r"([a-z][a-z0-9]{0,19})://", url, re.IGNORECASE)
            kind = scheme[1].lower() if scheme else "unknown"
            counts[kind] = counts.get(kind, 0) + 1
            names[f"{kind} {counts[kind]}"] = url
    return names


# The process and the memory


def remembered(state_path: Path, alert: Alert) -> Sent:
    """What the state file knows of `alert`; nothing where it cannot be read."""
    return _recall(state_path).get(alert.fingerprint, Sent())


def _missing(extra: str) -> str:
    return f"its package is missing; pip install 'house-ware-clv-engine[{extra}]'"


def _work(
    job: Mapping[str, Any], seconds: float, environment: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Answers of ml.alerts.channels to `job` that came before `seconds` were over.

    Secrets travel on stdin; the process has no CLV_ variable and its stderr is dropped.
    """
    inherited = {name: text for name, text in environment.items() if not name.startswith("CLV_")}
    paths = [str(REPOSITORY), *filter(None, [inherited.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ml.alerts.channels"],
            input=json.dumps(job).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=inherited | {"PYTHONPATH": os.pathsep.join(paths)},
            timeout=seconds,
            check=False,
        )
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    except OSError as error:  # no process could be started, so nothing was sent
        return [{"outcome": "failed", "error": type(error).__name__}]
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]


def _recall(path: Path) -> dict[str, Sent]:
    """The remembered alerts; a file that cannot be read counts as none, Jira is asked anyway."""
    try:
        return STATE.validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}


def _remember(path: Path, fingerprint: str, sent: Sent) -> None:
    known = _recall(path) | {fingerprint: sent}
    write_atomically(path, STATE.dump_json(known, indent=1, exclude_defaults=True) + b"\n")
