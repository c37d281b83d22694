"""The report of a home, and what a browser makes of it."""

from html.parser import HTMLParser

from conftest import EngineHome

from ml.home.layout import Home
from ml.report.report import write_report


class Elements(HTMLParser):
    """What a browser makes of a page: tags with their attributes, and the text of sections."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._section, self._is_style = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_style = tag == "style"
        if tag in ("section", "header"):
            self._section = dict(attrs)["id"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._is_style = False
        self.handle_data(" " if tag in ("td", "th", "div", "h3") else "")

    def handle_data(self, data: str) -> None:
        if not self._is_style:
            self.texts.setdefault(self._section, []).append(data)

    def text(self, section: str) -> str:
        """The words of a section, blanks made one."""
        return " ".join("".join(self.texts[section]).split())


def page_of(home: EngineHome) -> str:
    return (home.outputs / "report.html").read_text(encoding="utf-8")


def written(home: EngineHome) -> str:
    """The page, written in this process."""
    write_report(Home(home.root), "USD")
    return page_of(home)
