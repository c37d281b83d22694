"""A Jira and a web hook on this machine, for the delivery of alerts."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN, EMAIL, PASSWORD = "canary-token-7f3a91", "canary@example.com", "canary-password-51c"
LOGIN = b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
CANARIES = (TOKEN, EMAIL, PASSWORD, LOGIN, "canary")


@dataclass
class FakeJira:
    """What the server holds, how each step of the client is answered, and what it was asked."""

    # step (info, search, create, comments, comment, hook) to mode
    modes: dict[str, str] = field(default_factory=dict)
    index_lag: float = 0.0  # seconds until a new ticket is found
    deployment: str = "Server"
    port: int = 0
    issues: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    closing: threading.Event = field(default_factory=threading.Event)

    def add(self, fields: dict[str, Any]) -> str:
        key = f"{fields['project']['key']}-{len(self.issues) + 1}"
        issue = {"key": key, "fields": fields, "born": time.monotonic()}
        self.issues.append(issue | {"comments": [], "is_done": False})
        return key

    def found(self, jql: str) -> list[dict[str, Any]]:
        return [
            {"id": str(number), "key": issue["key"], "fields": self.shown(issue)}
            for number, issue in enumerate(self.issues)
            if any(f'"{label}"' in jql for label in issue["fields"]["labels"])
            and time.monotonic() - issue["born"] >= self.index_lag
        ]

    def shown(self, issue: dict[str, Any]) -> dict[str, Any]:
        category = {"key": "done" if issue["is_done"] else "new"}
        return {"labels": issue["fields"]["labels"], "status": {"statusCategory": category}}

    def named(self, path: str) -> dict[str, Any]:
        """The issue of a path such as /jira/rest/api/2/issue/CLV-1/comment."""
        return next(issue for issue in self.issues if f"/issue/{issue['key']}/" in path)

    def comment(self, path: str, body: str) -> dict[str, Any]:
        self.named(path)["comments"].append({"id": "1", "body": body})
        return {"id": "1", "body": body}


class Handler(BaseHTTPRequestHandler):
    """Answers as Jira or as a web hook, in the mode the fake is in."""

    jira: FakeJira

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/jira/rest/api/2/serverInfo":
            info = {"versionNumbers": [9, 4, 0], "deploymentType": self.jira.deployment}
            self.reply("info", lambda: (200, info))
        elif url.path == f"/jira/rest/api/2/search{self.search_ending()}":
            jql = parse_qs(url.query)["jql"][0]
            self.reply("search", lambda: (200, {"issues": self.jira.found(jql), "total": 1}))
        elif url.path.endswith("/comment"):
            comments = {"comments": self.jira.named(url.path)["comments"]}
            self.reply("comments", lambda: (200, comments))
        else:
            self.send(404, b"{}")

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/jira/rest/api/2/issue":
            self.reply("create", lambda: (201, {"key": self.jira.add(content["fields"])}))
        elif self.path.endswith("/comment"):
            body = content["body"]
            self.reply("comment", lambda: (201, self.jira.comment(self.path, body)))
        elif self.path.startswith("/hook"):
            self.reply("hook", lambda: (200, self.jira.messages.append(content)))
        else:
            self.send(404, b"{}")

    def search_ending(self) -> str:
        return "/jql" if self.jira.deployment == "Cloud" else ""

    def reply(self, step: str, work: Callable[[], tuple[int, Any]]) -> None:
        self.jira.asked.append(step)
        self.jira.logins.add(self.headers.get("Authorization", ""))
        mode = self.jira.modes.get(step, "ok")
        if mode.startswith("done then "):
            work()
            mode = mode.removeprefix("done then ")
        if mode == "ok":
            status, answer = work()
            self.send(status, json.dumps(answer).encode())
        elif mode.isdigit():
            self.send(int(mode), self.echo())
        else:
            self.misbehave(mode)

    def misbehave(self, mode: str) -> None:
        if mode == "hang":
            self.jira.closing.wait(10)
        elif mode == "trickle":
            self.trickle()
        elif mode == "garbage":
            self.send(200, f"<html>{self.headers.get('Authorization')}".encode())
        elif mode == "wrong shape":
            self.send(200, b"[[1]]")
        elif mode == "echo":
            answer = {"key": TOKEN, "issues": [{"key": TOKEN}], "versionNumbers": TOKEN}
            self.send(200, json.dumps(answer).encode())
        self.close_connection = True  # mode "drop" does nothing else

    def trickle(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        while not self.jira.closing.wait(0.1):
            try:
                self.wfile.write(b" ")
            except OSError:
                return

    def echo(self) -> bytes:
        login = self.headers.get("Authorization", "")
        return json.dumps({"errorMessages": [login, TOKEN], "message": TOKEN}).encode()

    def send(self, status: int, content: bytes) -> None:
        self.send_response(status, f"because {TOKEN}")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Retry-After", "30")
        self.send_header("x-authentication-denied-reason", TOKEN)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running_jira() -> Iterator[FakeJira]:
    """A running fake; every mode is ok until a test says otherwise."""
    fake = FakeJira()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"jira": fake}))
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield fake
    finally:
        fake.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
