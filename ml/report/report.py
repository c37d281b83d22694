"""The `report` command: one page for people. Owns warehouse/outputs/report.html.

The page follows from the warehouse, the config's currency and the newest grid search alone: the
same home gives the same bytes. It loads nothing and needs no script.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ml.home import number_text
from ml.home.config import load_config
from ml.home.files import write_atomically
from ml.home.layout import Home
from ml.home.segment_text import segment_in_words
from ml.report import charts
from ml.report import words as words
from ml.report.answers import ReportAnswer
from ml.report.chart_tables import chart_tables
from ml.report.cluster_words import cluster_words
from ml.report.facts import GAIN_STEPS, Facts, key, key_of_both, key_of_window, read_facts
from ml.report.sources import runnable
from ml.warehouse.side_copy import locked, open_warehouse
from ml.warehouse.views import bring_over

PAGES = Path(__file__).parent / "page"
# queries that look at one measured window
OF_WINDOW = ("deciles", "gains", "reliability")
# what a portrait shows: column of the facts -> words
MEASURES = {
    "order_count": "orders in the history, mean",
    "mean_order_value": "mean order value",
    "recency_days": "days since last order",
    "customer_age_days": "days since first order",
}


def report(home: Home, progress: Callable[[str], None], folder: Path | None = None) -> ReportAnswer:
    """Write the page of a home, whatever the home has so far; into `folder` if one is given.

    With a folder the home is only read.
    """
    config = load_config(home)
    bring_over(home, progress, config.resources.memory_limit)
    progress("writing the report")
    if folder is not None:
        page_path = folder / report_page(home).name
        write_atomically(page_path, _content(home, config.source.currency))
        return ReportAnswer(str(page_path))
    with locked(home):
        return ReportAnswer(home.relative(write_report(home, config.source.currency)))


def report_page(home: Home) -> Path:
    """Where the page is, once there is one."""
    return home.outputs / "report.html"


def write_report(home: Home, currency: str) -> Path:
    """Bring the page in line with the warehouse; its path."""
    path, content = report_page(home), _content(home, currency)
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)
    return path


def _content(home: Home, currency: str) -> bytes:
    with open_warehouse(home) as con:
        return page(read_facts(con, home), currency).encode()


def page(facts: Facts, currency: str) -> str:
    """The page as HTML; every text of the facts is escaped."""

    shelf = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shelf.filters |= {
        "count": number_text.whole,
        "day": words.day,
        "decimals": lambda value: number_text.rounded(value, 3),
        "money": lambda value: number_text.amount(value, currency),
        "month": words.month,
        "months": words.months,
        "number": number_text.rounded,
        "percent": number_text.percent,
        "short_money": lambda value: number_text.short_amount(value, currency),
        "signed_percent": number_text.signed_percent,
    }
    return shelf.get_template("page.html.j2").render(
        facts=facts,
        currency=currency,
        words=words,
        segment_in_words=segment_in_words,
        open_windows=words.open_windows(facts.warnings),
        query=lambda name: runnable(name, _asked(facts, name)),
        tier_names={row["value_tier"]: row["holds"] or row["value_tier"] for row in facts.tiers},
        rows=chart_tables(facts, currency),
        **_charts(facts),
    )


def _asked(facts: Facts, query: str) -> dict[str, Any]:
    """The values that a query was asked with for this page."""
    batch, window, moved = facts.batch, facts.window, facts.movement
    if query == "movements" and moved:
        return key_of_both(moved.before, moved.now)
    if query in OF_WINDOW and window:
        return key_of_window(window.report) | {"steps": GAIN_STEPS}
    return key(batch) if batch else {}


def _charts(facts: Facts) -> dict[str, Any]:
    window, search = facts.window, facts.search
    return {
        "history": charts.history(facts.batches),
        "tier_bands": charts.tier_bands(facts.tiers),
        "portraits": [
            (
                cluster,
                cluster_words(
                    cluster["cluster_name"], facts.behaviour.get(cluster["cluster_id"], {})
                ),
                charts.portrait(cluster, facts.everybody, MEASURES),
            )
            for cluster in facts.clusters
            if facts.everybody is not None
        ],
        "calibration": charts.calibration(window.deciles) if window else None,
        "gains": charts.gains(window.gains) if window else None,
        "reliability": charts.reliability(window.reliability) if window else None,
        "rmse": charts.changes(facts.windows, "rmse", threshold="rmse_threshold"),
        "r2": charts.changes(facts.windows, "r2", threshold="r2_threshold", sign=-1),
        "level": charts.changes(facts.windows, "level"),
        "heat_map": charts.heat_map(search.cells, "objective") if search else {},
    }
