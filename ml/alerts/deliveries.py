"""Delivery of drift alerts: one Jira ticket per model, and one message for all its new windows.

The windows of a model that a run finds travel together. Later ones are a comment on the model's
ticket as long as that is open. Owns a small state file that remembers which windows were delivered:
they are not told of again. No channel can fail the caller.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
class AlertWindow:
    """A prediction window that alerts: a line that says what happened, and its page in Markdown."""

    cutoff: date
    pred_months: int
    title: str
    body: str

    @property
    def name(self) -> str:
        return f"{self.cutoff} ({self.pred_months} months)"


@dataclass(frozen=True)
class Alert:
    """The windows of one model that alert, oldest first."""

    model_id: str
    windows: tuple[AlertWindow, ...]

    @property
    def label(self) -> str:
        """Label of the model's tickets."""
        return _label(self.model_id)

    def fingerprint(self, window: AlertWindow) -> str:
        """Label of a window, the same for the same model and window."""
        return _label(f"{self.model_id}|{window.cutoff.isoformat()}|{window.pred_months}")

    @property
    def name(self) -> str:
        first, *others = self.windows
        more = f" and {len(others)} more, to {others[-1].cutoff}" if others else ""
        return f"drift alert of {first.name}{more}"

    @property
    def title(self) -> str:
        """That of the window, or of the newest of several."""
        if len(self.windows) == 1:
            return self.windows[0].title
        return f"{len(self.windows)} windows, newest: {self.windows[-1].title}"

    @property
    def body(self) -> str:
        """The page of the window, or of the newest below a list of all."""
        page = self.windows[-1].body
        if len(self.windows) == 1:
            return page
        return f"{self.summary}\n\nThe newest in full:\n\n{page}"

    @property
    def summary(self) -> str:
        """A line for each window, the newest first, with its fingerprint."""
        lines = [
            f"- {window.title} ({self.fingerprint(window)})" for window in reversed(self.windows)
        ]
        return "\n".join([f"Windows of model `{self.model_id}` that alert:", "", *lines])

    def of(self, windows: list[AlertWindow]) -> "Alert":
        """The same alert with only some of its windows."""
        return replace(self, windows=tuple(windows))


def _label(key: str) -> str:
    return f"clv-drift-{sha256(key.encode()).hexdigest()[:12]}"


class Sent(BaseModel):
    """What is remembered of a window: its ticket, a creation without an answer, channels told."""

    ticket: str | None = None
    tried_at: datetime | None = None
    channels: list[str] = []

    def told(self, channel: str) -> "Sent":
        """The same, and this channel told."""
        return self.model_copy(update={"channels": [*self.channels, channel]})

    def tried(self, now: datetime) -> "Sent":
        """The same, with a creation that is tried now."""
        return self.model_copy(update={"tried_at": now})

    def is_settling(self, now: datetime) -> bool:
        """Whether a creation without an answer is too fresh to be searched for with certainty."""
        if self.tried_at is None:
            return False
        return 0 <= (now - self.tried_at).total_seconds() < SETTLE_SECONDS


STATE = TypeAdapter(dict[str, Sent])
Memory = dict[AlertWindow, Sent]
Remember = Callable[[Memory], None]


def deliver(
    alert: Alert, alerts_config: "Alerts", state_path: Path, environment: Mapping[str, str]
) -> list[str]:
    """Send the windows of `alert` to the configured channels that do not have them.

    Returns messages; none where everything was delivered before. A channel that is down, slow or
    refusing is a message, not an error; the same call later tries again and adds nothing to what
    was delivered. Raises OSError where `state_path` cannot be written: nothing is sent that could
    not be remembered. Tokens and apprise addresses come from `environment` and appear in no
    message, log or file.
    """
    memory = {window: remembered(state_path, alert, window) for window in alert.windows}

    def remember(now: Memory) -> None:
        memory.update(now)
        _remember(state_path, {alert.fingerprint(window): sent for window, sent in now.items()})

    messages: list[str] = []
    if alerts_config.jira is not None:
        messages += _to_jira(alert, alerts_config.jira, memory, environment, remember)
    if alerts_config.apprise:
        messages += _to_apprise(alert, memory, environment, remember)
    return messages


# Jira


def _to_jira(
    alert: Alert, jira: "Jira", memory: Memory, environment: Mapping[str, str], remember: Remember
) -> list[str]:
    """Bring the windows without a ticket onto one; a creation is noted before it is tried."""
    owed = alert.of([window for window in alert.windows if memory[window].ticket is None])
    if not owed.windows:
        return []
    token = environment.get("CLV_JIRA_TOKEN", "").strip()
    if not token:
        return [f"{owed.name}: no ticket yet: set CLV_JIRA_TOKEN; {LATER}"]
    if find_spec("jira") is None:
        return [f"{owed.name}: no ticket yet: {_missing('jira')}; {LATER}"]
    before = {window: memory[window] for window in owed.windows}
    now = datetime.now(UTC)
    settling = any(sent.is_settling(now) for sent in before.values())
    if not settling:
        remember({window: sent.tried(now) for window, sent in before.items()})
    email = environment.get("CLV_JIRA_EMAIL", "").strip()
    job = {"token": token, "email": email, "create": not settling, **_ticket(owed, jira, alert)}
    answers = _work(job, JIRA_SECONDS, environment)
    answer = answers[-1] if answers else {}
    told = {window: _of_jira(answer, sent, datetime.now(UTC)) for window, sent in before.items()}
    remember({window: sent for window, (sent, _) in told.items()})
    message = next(text for _, text in told.values())
    return [f"{owed.name}: {message}"]


def _ticket(alert: Alert, jira: "Jira", everything: Alert) -> dict[str, Any]:
    """What a ticket, or a comment, tells of `alert`.

    everything: also the windows that are on a ticket, as that of an earlier version has no label of
    the model.
    """
    return {
        "kind": "jira",
        "second_look_seconds": SECOND_LOOK_SECONDS,
        **jira.model_dump(),
        "label": alert.label,
        "searched": [alert.label, *map(alert.fingerprint, everything.windows)],
        "windows": [alert.fingerprint(window) for window in alert.windows],
        "title": alert.title,
        "body": alert.body,
        # the fingerprints in it tell a later run that the comment is there
        "comment": f"{alert.summary}\n\n{alert.windows[-1].body}",
    }


def _of_jira(answer: Mapping[str, Any], sent: Sent, now: datetime) -> tuple[Sent, str]:
    """The new memory, and a message, after an answer of the Jira process."""
    key, outcome = str(answer.get("key")), answer.get("outcome")
    if outcome in {"found", "opened", "commented"} and re.fullmatch(
        r"[A-Z][A-Z0-9_]+-\d{1,12}", key
    ):
        known = sent.model_copy(update={"ticket": key, "tried_at": None})
        verb = "has a comment" if outcome == "commented" else outcome
        return known, f"Jira ticket {key} {verb}"
    why = _why(answer)
    if outcome == "failed":
        return sent, f"no ticket yet: Jira {why}; {LATER}"
    if outcome == "absent":
        return sent, f"ticket not confirmed: Jira does not show it yet; {LOOK}"
    return sent.tried(now), f"ticket not confirmed: Jira {why}; {LOOK}"


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
    alert: Alert, memory: Memory, environment: Mapping[str, str], remember: Remember
) -> list[str]:
    """Tell every channel of the windows that it was not told of, in one message each."""
    channels = channel_names(environment.get("CLV_APPRISE_URLS", ""))
    if not channels:
        untold = [window for window in alert.windows if not memory[window].channels]
        words = "not sent by apprise: set CLV_APPRISE_URLS"
        return [f"{alert.of(untold).name}: {words}"] if untold else []
    owed = {name: _untold(alert, memory, name) for name in channels}
    owed = {name: part for name, part in owed.items() if part.windows}
    if not owed:
        return []
    if find_spec("apprise") is None:
        return [f"{alert.name}: not sent by apprise: {_missing('alerts')}; {LATER}"]
    messages = {
        name: {"url": channels[name], "title": part.title, "body": part.body}
        for name, part in owed.items()
    }
    job = {"kind": "apprise", "channels": messages}
    answers = {
        answer["channel"]: answer.get("outcome")
        for answer in _work(job, APPRISE_SECONDS, environment)
        if answer.get("channel") in owed
    }
    for name in [name for name in owed if answers.get(name) == "sent"]:
        remember({window: memory[window].told(name) for window in owed[name].windows})
    return [f"{owed[name].name}: {_of_apprise(name, answers.get(name))}" for name in owed]


def _untold(alert: Alert, memory: Memory, channel: str) -> Alert:
    """The windows that a channel was not told of."""
    return alert.of([one for one in alert.windows if channel not in memory[one].channels])


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


def remembered(state_path: Path, alert: Alert, window: AlertWindow) -> Sent:
    """What the state file knows of a window; nothing where it cannot be read."""
    return _recall(state_path).get(alert.fingerprint(window), Sent())


def forget_sent(state_path: Path, alert: Alert) -> None:
    """Take the windows of `alert` out of the state file, where it knows them."""
    known = _recall(state_path)
    kept = known.keys() - {alert.fingerprint(window) for window in alert.windows}
    if len(kept) < len(known):
        _write(state_path, {label: sent for label, sent in known.items() if label in kept})


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


def _remember(path: Path, sent: dict[str, Sent]) -> None:
    _write(path, _recall(path) | sent)


def _write(path: Path, known: dict[str, Sent]) -> None:
    write_atomically(path, STATE.dump_json(known, indent=1, exclude_defaults=True) + b"\n")
