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


def main() -> None:
    """Do the job on stdin."""
    job = json.load(sys.stdin)
    sys.stdout = sys.stderr  # only answers go to the caller
    if job["kind"] == "jira":
        _answer(**_ticket(job))
        return
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda channel: _answer(**_message(job, *channel)), job["channels"].items()))


def _answer(**answer: Any) -> None:
    print(json.dumps(answer), file=sys.__stdout__, flush=True)


def _ticket(job: dict[str, Any]) -> dict[str, Any]:
    """The ticket with the job's label, opened where there is none and `create` allows it.

    outcome: found or opened (with key), absent (not allowed to create), failed (there is none by
    us), unclear (it may have been created).
    """
    try:
        jira = _client(job)
        key = _labelled(jira, job)
    except Exception as error:  # whatever an unknown server provokes in the client
        return {"outcome": "failed"} | _reason(error)
    if key is not None or not job["create"]:
        return {"outcome": "absent" if key is None else "found", "key": key}
    try:
        issue = jira.create_issue(fields=_fields(job), prefetch=False)
        return {"outcome": "opened", "key": issue.key}
    except Exception as error:
        reason = _reason(error)
    if 400 <= (reason["status"] or 0) < 500 or reason["error"] == "ConnectTimeout":
        return {"outcome": "failed"} | reason
    return _second_look(jira, job, reason)


def _second_look(jira: Any, job: dict[str, Any], reason: dict[str, Any]) -> dict[str, Any]:
    """Whether a creation without a clear answer left a ticket."""
    time.sleep(job["second_look_seconds"])
    try:
        key = _labelled(jira, job)
    except Exception:
        key = None
    return {"outcome": "unclear"} | reason if key is None else {"outcome": "opened", "key": key}


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


def _labelled(jira: Any, job: dict[str, Any]) -> str | None:
    """Key of the oldest ticket with the job's label; Cloud and Server have different searches."""
    jql = f'project = "{job["project"]}" AND labels = "{job["label"]}" ORDER BY created ASC'
    issues = jira.search_issues(jql, maxResults=1, fields=["labels"])
    return issues[0].key if issues else None


def _fields(job: dict[str, Any]) -> dict[str, Any]:
    return {
        "project": {"key": job["project"]},
        "issuetype": {"name": job["issue_type"]},
        "summary": " ".join(job["title"].split())[:SUMMARY_LENGTH],
        "description": wiki_markup(job["body"])[:DESCRIPTION_LENGTH],
        "labels": [job["label"]],
    }


def _message(job: dict[str, Any], channel: str, url: str) -> dict[str, Any]:
    """Tell one apprise channel; a text too long for it is cut, not refused."""
    try:
        import apprise

        service = apprise.Apprise()
        if not service.add(url):
            return {"channel": channel, "outcome": "refused"}
        for one in service:
            one.overflow_mode = apprise.OverflowMode.TRUNCATE
        is_sent = service.notify(
            job["body"], title=job["title"], body_format="markdown", notify_type="warning"
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
