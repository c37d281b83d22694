"""The process that speaks to Jira and apprise: a job on stdin, answers as JSON lines on stdout.

A process of its own, because only that can be stopped at a deadline, and because what these
libraries log (addresses, headers, answers) ends with it. It reports status codes and class names
of exceptions, never their text: a server may repeat a token in it.
"""

import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CONNECT_SECONDS = 3.0
SUMMARY_LENGTH, DESCRIPTION_LENGTH = 250, 32_000  # Jira takes 255 and 32,767
MOST_TICKETS = 50


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    sys.stdout = sys.stderr  # only answers go to the caller
    if job["kind"] == "jira":
        _answer(**_ticket(job))
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda channel: _answer(**_message(*channel)), job["channels"].items()))


def _answer(**answer: Any) -> None:
    print(json.dumps(answer), file=sys.__stdout__, flush=True)


def _ticket(job: dict[str, Any]) -> dict[str, Any]:
    """The job's windows on one ticket: a comment on the model's open one, or a new ticket.

    outcome: found (all windows are told of already), commented or opened (with key), absent (not
    allowed to create), failed (nothing was written by us), unclear (it may have been created).
    """
    try:
        jira = _client(job)
        key, told = _open_ticket(jira, job)
    except Exception as error:  # whatever an unknown server provokes in the client
        return {"outcome": "failed"} | _reason(error)
    if not set(job["windows"]) - told:
        return {"outcome": "found", "key": key}
    if key is not None:
        return _comment(jira, job, key)
    if not job["create"]:
        return {"outcome": "absent", "key": None}
    try:
        issue = jira.create_issue(fields=_fields(job), prefetch=False)
        return {"outcome": "opened", "key": issue.key}
    except Exception as error:
        reason = _reason(error)
    if 400 <= (reason["status"] or 0) < 500 or reason["error"] == "ConnectTimeout":
        return {"outcome": "failed"} | reason
    return _second_look(jira, job, reason)


def _comment(jira: Any, job: dict[str, Any], key: str) -> dict[str, Any]:
    """Tell of the windows in a comment; the next run looks whether it is there."""
    try:
        jira.add_comment(key, wiki_markup(job["comment"])[:DESCRIPTION_LENGTH])
        return {"outcome": "commented", "key": key}
    except Exception as error:
        return {"outcome": "failed"} | _reason(error)


def _second_look(jira: Any, job: dict[str, Any], reason: dict[str, Any]) -> dict[str, Any]:
    """Whether a creation without a clear answer left a ticket."""
    time.sleep(job["second_look_seconds"])
    try:
        key, told = _open_ticket(jira, job)
    except Exception:
        key, told = None, set[str]()
    if key is None or set(job["windows"]) - told:
        return {"outcome": "unclear"} | reason
    return {"outcome": "opened", "key": key}


def _client(job: dict[str, Any]) -> Any:
    """The client of the jira package, without its own retries; it asks which Jira this is."""
    from jira import JIRA

    login: dict[str, Any] = {"token_auth": job["token"]}
    if job["email"]:
        login = {"basic_auth": (job["email"], job["token"])}
    wait = job["timeout_seconds"]
    client = JIRA(
        server=job["url"],
        max_retries=0,
        timeout=(min(CONNECT_SECONDS, wait), wait),
        logging=False,
        **login,
    )
    # not empty, or a search would first fetch the list of all fields
    client._fields_cache_value = {"Key": "key"}
    return client


def _open_ticket(jira: Any, job: dict[str, Any]) -> tuple[str | None, set[str]]:
    """The oldest ticket of the model that is not done, and the windows that tickets tell of.

    A ticket tells of the windows in its labels and, if it is the open one, in its comments. Cloud
    and Server have different searches. Where all windows are on tickets that are done, the key is
    that of the oldest.
    """
    labels = ", ".join(f'"{label}"' for label in job["searched"])
    jql = f'project = "{job["project"]}" AND labels in ({labels}) ORDER BY created ASC'
    issues = list(jira.search_issues(jql, maxResults=MOST_TICKETS, fields=["labels", "status"]))
    told = {label for issue in issues for label in issue.fields.labels}
    if not issues:
        return None, told
    key = next((issue.key for issue in issues if not _is_done(issue)), None)
    if key is None:
        return (issues[0].key if set(job["windows"]) <= told else None), told
    texts = " ".join(comment.body for comment in jira.comments(key))
    return key, told | {window for window in job["windows"] if window in texts}


def _is_done(issue: Any) -> bool:
    return issue.fields.status.statusCategory.key == "done"


def _fields(job: dict[str, Any]) -> dict[str, Any]:
    return {
        "project": {"key": job["project"]},
        "issuetype": {"name": job["issue_type"]},
        "summary": " ".join(job["title"].split())[:SUMMARY_LENGTH],
        "description": wiki_markup(job["body"])[:DESCRIPTION_LENGTH],
        "labels": [job["label"], *job["windows"]],
    }


def _message(channel: str, message: dict[str, str]) -> dict[str, Any]:
    """Tell one apprise channel; a text too long for it is cut, not refused."""
    try:
        import apprise

        service = apprise.Apprise()
        if not service.add(message["url"]):
            return {"channel": channel, "outcome": "refused"}
        for one in service:
            one.overflow_mode = apprise.OverflowMode.TRUNCATE
        is_sent = service.notify(
            message["body"],
            title=message["title"],
            body_format="markdown",
            notify_type="warning",
        )
    except Exception as error:  # the services apprise knows fail in as many ways
        return {"channel": channel, "outcome": "failed"} | _reason(error)
    return {"channel": channel, "outcome": "sent" if is_sent else "failed"}


def _reason(error: Exception) -> dict[str, Any]:
    status = getattr(error, "status_code", None)
    return {"status": status if isinstance(status, int) else None, "error": type(error).__name__}


def wiki_markup(text: str) -> str:
    """Markdown as Jira's wiki markup: headings, bold, code, links, pictures by name, tables."""
    lines = text.splitlines()
    rows = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _is_rule(line) and number and lines[number - 1].lstrip().startswith("|"):
            continue
        if line.lstrip().startswith("|") and _is_rule(following):
            line = line.replace("|", "||")
        line = re.sub(r"^(#{1,6}) +", lambda mark: f"h{len(mark[1])}. ", line)
        line = re.sub(r"\*\*(.+?)\*\*", r"*\1*", line)
        line = re.sub(r"`([^`]+)`", r"{{\1}}", line)
        line = re.sub(r"!\[([^]]*)\]\(([^)]*)\)", r"\1 (\2)", line)
        rows.append(re.sub(r"\[([^]]+)\]\(([^)]+)\)", r"[\1|\2]", line))
    return "\n".join(rows)


def _is_rule(line: str) -> bool:
    """Whether this is the line under a Markdown table's head."""
    return re.fullmatch(r"\s*\|[\s:|-]*-[\s:|-]*", line) is not None


if __name__ == "__main__":
    main()
