"""Claims about the delivery of alerts, against a Jira and a web hook on this machine."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import EngineHome
from fake_jira import CANARIES, EMAIL, LOGIN, PASSWORD, TOKEN, FakeJira, running_jira

from ml.alerts import deliveries
from ml.alerts.channels import wiki_markup
from ml.alerts.deliveries import Alert, AlertWindow, channel_names, deliver
from ml.home.config import Alerts, load_config
from ml.home.errors import CallError
from ml.home.layout import Home

WAIT = 0.8  # seconds Jira gets for an answer
WINDOW = AlertWindow(date(2010, 12, 31), 3, "Drift: RMSE +31 %", "# What\n\n**bad**")
LATER = AlertWindow(date(2011, 1, 14), 3, "Drift: RMSE +40 %", "# Later")
ALERT = Alert("20101231-ab12cd34", (WINDOW,))
OTHER = Alert("other", (AlertWindow(date(2011, 1, 31), 3, "t", "b"),))


@pytest.fixture
def jira() -> Iterator[FakeJira]:
    with running_jira() as fake:
        yield fake


@dataclass
class Desk:
    """Delivers alerts as a run would, and looks for secrets after every delivery."""

    jira: FakeJira
    state: Path
    captured: Callable[[], str]
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=lambda: {"CLV_JIRA_TOKEN": TOKEN})
    seconds: float = 0.0

    def deliver(self, alert: Alert = ALERT, *, limit: float = 16.0) -> str:
        """The messages of one delivery, as one text."""
        url = f"http://127.0.0.1:{self.jira.port}/jira"
        ticket = {"url": url, "project": "CLV", "timeout_seconds": WAIT}
        config = Alerts.model_validate({"jira": ticket} | self.settings)
        start = time.monotonic()
        text = "\n".join(deliver(alert, config, self.state, self.environment))
        self.seconds = time.monotonic() - start
        assert self.seconds < limit
        written = "".join(path.read_text() for path in self.state.parent.rglob("*"))
        assert [name for name in CANARIES if name in text + written + self.captured()] == []
        return text


@pytest.fixture
def desk(
    jira: FakeJira,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    monkeypatch.setattr(deliveries, "SECOND_LOOK_SECONDS", 0.1)
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "outputs"
    folder.mkdir()

    def captured() -> str:
        return caplog.text + "".join(capfd.readouterr())

    return Desk(jira, folder / ".tickets.json", captured)


# One ticket


@pytest.mark.parametrize("deployment", ["Server", "Cloud"])
def test_one_ticket_is_opened_and_a_second_delivery_asks_nobody(
    desk: Desk, deployment: str
) -> None:
    desk.jira.deployment = deployment
    assert desk.deliver() == "drift alert of 2010-12-31 (3 months): Jira ticket CLV-1 opened"
    asked = len(desk.jira.asked)
    assert desk.deliver() == ""
    assert len(desk.jira.asked) == asked == 3
    (issue,) = desk.jira.issues
    assert issue["fields"] == {
        "project": {"key": "CLV"},
        "issuetype": {"name": "Task"},
        "summary": "Drift: RMSE +31 %",
        "description": "h1. What\n\n*bad*",
        "labels": [ALERT.label, ALERT.fingerprint(WINDOW)],
    }


def test_the_token_is_a_bearer_token_and_with_an_email_basic_login(desk: Desk) -> None:
    desk.deliver()
    assert desk.jira.logins == {f"Bearer {TOKEN}"}
    desk.jira.logins.clear()
    desk.environment["CLV_JIRA_EMAIL"] = EMAIL
    desk.jira.modes = {"create": "401"}
    desk.deliver(OTHER)
    desk.jira.modes = {}
    desk.deliver(OTHER)
    assert desk.jira.logins == {f"Basic {LOGIN}"}


def test_the_ticket_is_found_by_its_label_when_the_memory_is_lost_or_broken(desk: Desk) -> None:
    desk.deliver()
    desk.state.unlink()
    assert "Jira ticket CLV-1 found" in desk.deliver()
    desk.state.write_text('{"clv-drift')
    assert "Jira ticket CLV-1 found" in desk.deliver()
    assert len(desk.jira.issues) == 1


def test_each_model_and_window_has_its_own_fingerprint() -> None:
    windows = [
        AlertWindow(day, months, "t", "b")
        for day in (date(2011, 1, 1), date(2011, 1, 15))
        for months in (3, 6)
    ]
    alerts = [Alert(model, tuple(windows)) for model in ("m1", "m2")]
    labels = [alert.fingerprint(window) for alert in alerts for window in windows]
    assert len({*labels, *(alert.label for alert in alerts)}) == 10
    again = AlertWindow(date(2011, 1, 1), 3, "other", "text")
    assert alerts[0].fingerprint(again) == labels[0] == "clv-drift-ad3378467774"


def test_tickets_of_other_alerts_are_kept_in_memory(desk: Desk) -> None:
    desk.deliver()
    desk.deliver(OTHER)
    assert desk.deliver() == desk.deliver(OTHER) == ""
    assert [issue["key"] for issue in desk.jira.issues] == ["CLV-1", "CLV-2"]


# The windows of a model


def test_all_windows_of_a_model_are_one_ticket_and_one_message(desk: Desk) -> None:
    desk.settings = {"apprise": True}
    desk.environment["CLV_APPRISE_URLS"] = hooks(desk, "hook")
    both = ALERT.of([WINDOW, LATER])
    ticket, message = desk.deliver(both).splitlines()
    name = "drift alert of 2010-12-31 (3 months) and 1 more, to 2011-01-14"
    assert ticket == f"{name}: Jira ticket CLV-1 opened"
    assert message == f"{name}: sent by apprise channel json 1"
    (issue,), (told,) = desk.jira.issues, desk.jira.messages
    for text in (issue["fields"]["description"], told["message"]):
        assert WINDOW.title in text and LATER.title in text and "Later" in text
    assert issue["fields"]["labels"][1:] == [both.fingerprint(one) for one in both.windows]
    assert told["title"] == "2 windows, newest: Drift: RMSE +40 %"
    assert desk.deliver(both) == ""
    assert len(desk.jira.issues) == len(desk.jira.messages) == 1


def test_a_later_window_is_a_comment_on_the_open_ticket_and_one_message(desk: Desk) -> None:
    desk.settings = {"apprise": True}
    desk.environment["CLV_APPRISE_URLS"] = hooks(desk, "hook")
    desk.deliver()
    both = ALERT.of([WINDOW, LATER])
    ticket, _ = desk.deliver(both).splitlines()
    assert ticket == "drift alert of 2011-01-14 (3 months): Jira ticket CLV-1 has a comment"
    (issue,) = desk.jira.issues
    (comment,) = issue["comments"]
    assert LATER.title in comment["body"] and "h1. Later" in comment["body"]
    assert WINDOW.title not in comment["body"]
    assert [message["title"] for message in desk.jira.messages] == [WINDOW.title, LATER.title]
    assert desk.deliver(both) == ""


def test_a_window_after_the_ticket_was_closed_opens_another(desk: Desk) -> None:
    desk.deliver()
    desk.jira.issues[0]["is_done"] = True
    both = ALERT.of([WINDOW, LATER])
    assert "Jira ticket CLV-2 opened" in desk.deliver(both)
    assert desk.jira.issues[0]["comments"] == []
    assert desk.deliver(both) == ""


def test_a_closed_ticket_is_not_opened_again_when_the_memory_is_lost(desk: Desk) -> None:
    desk.deliver()
    desk.jira.issues[0]["is_done"] = True
    desk.state.unlink()
    assert "Jira ticket CLV-1 found" in desk.deliver()
    assert len(desk.jira.issues) == 1


def test_a_comment_without_a_good_answer_is_not_written_twice(desk: Desk) -> None:
    desk.deliver()
    both = ALERT.of([WINDOW, LATER])
    desk.jira.modes = {"comment": "done then 500"}
    assert "answered with an error (500); the next run tries again" in desk.deliver(both)
    desk.jira.modes = {}
    assert "Jira ticket CLV-1 found" in desk.deliver(both)
    assert len(desk.jira.issues[0]["comments"]) == 1


def test_a_comment_that_was_refused_is_written_later(desk: Desk) -> None:
    desk.deliver()
    both = ALERT.of([WINDOW, LATER])
    desk.jira.modes = {"comment": "403"}
    assert "does not allow it" in desk.deliver(both)
    desk.jira.modes = {}
    assert "Jira ticket CLV-1 has a comment" in desk.deliver(both)
    assert len(desk.jira.issues[0]["comments"]) == len(desk.jira.issues) == 1


def test_a_ticket_of_an_earlier_version_takes_the_later_windows(desk: Desk) -> None:
    first = ALERT.fingerprint(WINDOW)
    desk.jira.add({"project": {"key": "CLV"}, "labels": [first]})
    desk.state.write_text(f'{{"{first}": {{"ticket": "CLV-1"}}}}')
    both = ALERT.of([WINDOW, LATER])
    assert "Jira ticket CLV-1 has a comment" in desk.deliver(both)
    assert len(desk.jira.issues) == 1


# A Jira that refuses, is slow or down


@pytest.mark.parametrize(
    ("step", "mode", "words"),
    [
        ("info", "401", "refused the login; check CLV_JIRA_TOKEN and CLV_JIRA_EMAIL (401)"),
        ("search", "403", "does not allow it"),
        ("info", "404", "knows no such address"),
        ("search", "429", "wants fewer requests (429)"),
        ("info", "500", "answered with an error (500)"),
        ("info", "hang", "gave no answer in time (ReadTimeout)"),
        ("info", "garbage", "gave an answer that is not Jira's"),
        ("search", "wrong shape", "gave an answer that is not Jira's"),
        ("info", "drop", "cannot be reached (ConnectionError)"),
        ("create", "400", "check alerts.jira.project and issue_type (400)"),
    ],
)
def test_a_refusal_is_said_and_the_next_delivery_opens_one_ticket(
    desk: Desk, step: str, mode: str, words: str
) -> None:
    desk.jira.modes = {step: mode}
    message = desk.deliver(limit=8)
    assert words in message
    assert message.endswith("the next run tries again")
    assert desk.jira.issues == []
    desk.jira.modes = {}
    assert "Jira ticket CLV-1 opened" in desk.deliver()
    assert len(desk.jira.issues) == 1


def test_a_port_nobody_listens_on_is_said(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        desk.jira.port = free.getsockname()[1]
    assert "cannot be reached (ConnectionError)" in desk.deliver(limit=8)


def test_an_answer_that_never_ends_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "JIRA_SECONDS", 2.0)
    desk.jira.modes = {"info": "trickle"}
    assert "gave no full answer in time" in desk.deliver(limit=5)
    assert desk.seconds >= 2.0
    assert desk.jira.issues == []


@pytest.mark.parametrize("mode", ["hang", "500", "garbage", "drop", "echo"])
def test_a_ticket_created_without_a_good_answer_is_found_again(desk: Desk, mode: str) -> None:
    desk.jira.modes = {"create": f"done then {mode}"}
    first = desk.deliver()
    desk.jira.modes = {}
    assert "Jira ticket CLV-1" in first + desk.deliver()
    assert desk.deliver() == ""
    assert len(desk.jira.issues) == 1


def test_a_creation_without_an_answer_is_not_repeated_before_the_index_caught_up(
    desk: Desk,
) -> None:
    desk.jira.index_lag = 1000
    desk.jira.modes = {"create": "done then hang"}
    assert "ticket not confirmed: Jira gave no answer in time" in desk.deliver()
    assert "Jira does not show it yet" in desk.deliver()
    desk.jira.modes, desk.jira.index_lag = {}, 0
    assert "Jira ticket CLV-1 found" in desk.deliver()
    assert desk.jira.asked.count("create") == 1


@pytest.mark.parametrize("mode", ["hang", "500"])
def test_a_creation_that_never_happened_is_repeated_when_that_is_certain(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    desk.jira.modes = {"create": mode}
    assert "the next run looks for it before it opens one" in desk.deliver()
    desk.jira.modes = {}
    assert "Jira does not show it yet" in desk.deliver()
    assert desk.jira.issues == []
    monkeypatch.setattr(deliveries, "SETTLE_SECONDS", 0.0)
    assert "Jira ticket CLV-1 opened" in desk.deliver()
    assert len(desk.jira.issues) == 1


def test_a_run_killed_while_it_opened_the_ticket_left_a_note(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> list[dict[str, Any]]:
        desk.jira.add({"project": {"key": "CLV"}, "labels": [ALERT.fingerprint(WINDOW)]})
        raise KeyboardInterrupt

    desk.jira.index_lag = 1000
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "_work", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.deliver()
    assert "Jira does not show it yet" in desk.deliver()
    assert len(desk.jira.issues) == 1


def test_a_search_that_echoes_the_token_names_no_ticket(desk: Desk) -> None:
    desk.jira.modes = {"search": "echo"}
    assert "no ticket yet" in desk.deliver()
    assert "create" not in desk.jira.asked


# Settings


def test_nothing_is_sent_without_configuration(desk: Desk) -> None:
    assert deliver(ALERT, Alerts(), desk.state, desk.environment) == []
    assert not desk.state.exists()


def test_a_missing_token_address_or_package_is_said_with_its_remedy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.settings = {"apprise": True}
    desk.environment = {}
    assert "set CLV_JIRA_TOKEN" in desk.deliver()
    assert "set CLV_APPRISE_URLS" in desk.deliver()
    monkeypatch.setattr(deliveries, "find_spec", lambda name: None)
    desk.environment = {"CLV_JIRA_TOKEN": TOKEN, "CLV_APPRISE_URLS": f"json://:{PASSWORD}@host"}
    text = desk.deliver()
    assert "pip install 'house-ware-clv-engine[jira]'" in text
    assert "pip install 'house-ware-clv-engine[alerts]'" in text


def test_a_memory_that_cannot_be_written_stops_before_anything_is_sent(desk: Desk) -> None:
    desk.state = desk.state.parent / "file" / "state.json"
    desk.state.parent.write_text("")
    with pytest.raises(OSError):
        desk.deliver()
    assert desk.jira.asked == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("jira: {url: https://j.example.com, project: clv}", r"alerts.jira.project: .*pattern"),
        ("jira: {url: https://j.example.com}", r"alerts.jira.project is missing"),
        ("jira: {url: https://u:canary@j.example.com, project: CLV}", r"url: .*; write http"),
        ("jira: {url: https://j.example.com?token=canary, project: CLV}", r"url: .*; write http"),
        ("jira: {url: ftp://j.example.com, project: CLV}", r"url: .*; write http"),
        ("jira: {url: 'https://[canary', project: CLV}", r"url: .*; write http"),
        ("jira: {url: https://j.example.com, projekt: CLV}", r"did you mean project\?"),
        ("jira: {url: https://j.example.com, project: CLV, token: canary}", r"token: unknown key"),
        ("apprise: mailto://u:canary@example.com", r"alerts.apprise: .*boolean"),
        ("aprise: true", r"did you mean apprise\?"),
        ("form: drift", r"did you mean from\?"),
        ("first: drift", r"unknown key"),
        ("from: sustained", r"alerts.from: .*'breach' or 'drift'"),
    ],
)
def test_alert_settings_are_checked_and_never_repeated(
    new_home: Callable[..., EngineHome], lines: str, message: str
) -> None:
    home = new_home()
    home.config.write_text(f"{home.config.read_text()}\nalerts:\n  {lines}\n")
    with pytest.raises(CallError, match=r"model_config.yaml:\d+: .*" + message) as caught:
        load_config(Home(home.root))
    assert "canary" not in str(caught.value)


def test_the_commented_alerts_of_the_config_are_valid(new_home: Callable[..., EngineHome]) -> None:
    home = new_home()
    head, found, section = home.config.read_text().partition("\n# alerts:\n")
    assert found
    lines = [line.removeprefix("# ") for line in f"# alerts:\n{section}".splitlines()]
    home.config.write_text("\n".join([head, *lines, ""]))
    alerts = load_config(Home(home.root)).alerts
    assert alerts.apprise
    assert alerts.jira is not None
    assert alerts.jira.timeout_seconds == 5


# apprise


def hooks(desk: Desk, *paths: str) -> str:
    return " ".join(f"json://user:{PASSWORD}@127.0.0.1:{desk.jira.port}/{path}" for path in paths)


def test_each_apprise_channel_is_told_once(desk: Desk) -> None:
    desk.settings = {"jira": None, "apprise": True}
    desk.environment = {"CLV_APPRISE_URLS": hooks(desk, "hook/a", "hook/b")}
    assert "sent by apprise channel json 1" in desk.deliver()
    assert desk.deliver() == ""
    assert [message["title"] for message in desk.jira.messages] == ["Drift: RMSE +31 %"] * 2
    assert {message["type"] for message in desk.jira.messages} == {"warning"}


@pytest.mark.parametrize("mode", ["500", "hang"])
def test_only_the_apprise_channel_that_failed_is_told_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    desk.settings = {"jira": None, "apprise": True}
    first, second = hooks(desk, "hook").split() * 2
    broken = second.replace("/hook", "/nowhere")
    desk.environment = {"CLV_APPRISE_URLS": f"{first}, {broken} nosuch://{PASSWORD}"}
    text = desk.deliver()
    assert "json 2: it failed or gave no answer in time" in text
    assert "nosuch 1: not an address apprise knows" in text
    desk.environment = {"CLV_APPRISE_URLS": f"{first} {second}"}
    desk.jira.modes = {"hook": mode}
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "APPRISE_SECONDS", 1.5)
        assert "json 2: it failed or gave no answer in time" in desk.deliver(limit=6)
    desk.jira.modes = {}
    assert "sent by apprise channel json 2" in desk.deliver()
    assert len(desk.jira.messages) == 2


def test_a_jira_that_is_down_does_not_keep_apprise_from_being_told(desk: Desk) -> None:
    desk.settings = {"apprise": True}
    desk.environment["CLV_APPRISE_URLS"] = hooks(desk, "hook")
    desk.jira.modes = {"info": "500"}
    assert "no ticket yet" in desk.deliver()
    desk.jira.modes = {}
    assert "Jira ticket CLV-1 opened" in desk.deliver()
    assert desk.deliver() == ""
    assert len(desk.jira.messages) == len(desk.jira.issues) == 1


def test_channel_names_hold_nothing_of_the_address() -> None:
    urls = "mailto://u:canary@host\njson://canary,  mailto://canary?to=a,b@c canary"
    assert list(channel_names(urls)) == ["mailto 1", "json 1", "mailto 2"]
    assert list(channel_names("canary")) == ["unknown 1"]
    assert channel_names(" \n") == {}


# The text of a ticket


def test_markdown_becomes_wiki_markup() -> None:
    markdown = """\
## Error by tier

| tier | RMSE |
|:-----|-----:|
| Top 1% | **41.20** |

See [the card](cards/m1.json), `tune` and ![deciles](deciles.png)."""
    assert wiki_markup(markdown).splitlines() == [
        "h2. Error by tier",
        "",
        "|| tier || RMSE ||",
        "| Top 1% | *41.20* |",
        "",
        "See [the card|cards/m1.json], {{tune}} and deciles (deciles.png).",
    ]
