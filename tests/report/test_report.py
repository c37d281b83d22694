"""The report: one page that tells what the marts hold, of whatever a home has so far."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import REPOSITORY, EngineHome
from playwright.sync_api import Browser, sync_playwright
from report_pages import Elements, page_of, written

from ml.home import number_text
from ml.home.config import load_config
from ml.home.layout import Home
from ml.home.segment_text import tier_with_range
from ml.ledger.retention import due_files
from ml.report import words as words
from ml.report.report import write_report
from ml.warehouse.tables import tables

SECTIONS = (
    "headline",
    "tiers",
    "movement",
    "clusters",
    "window",
    "drift",
    "warnings",
    "tuning",
    "ledger",
    "terms",
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
CELLS = (
    "history_months,pred_months,skill,r2,objective,cell_rank,reason\n"
    "6,3,0.2,0.5,0.12,1.0,\n"
    "3,3,0.1,0.4,-0.04,2.0,\n"
    "12,3,,,,,too few cutoffs\n"
)


def search_in(home: EngineHome, cells: str) -> None:
    folder = home.outputs / "grid_search"
    folder.mkdir(parents=True)
    (folder / "grid_search_cells_2012-02-29.csv").write_text(cells)


@pytest.fixture(scope="module")
def reported(
    rescored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory
) -> tuple[EngineHome, Elements]:
    """A home with everything: batches, a matured window, early warnings, a grid search."""
    home = rescored_home.copy(tmp_path_factory.mktemp("report") / "home")
    search_in(home, CELLS)
    return home, Elements(written(home))


# When it is written


def test_every_run_leaves_the_report_and_names_it(rescored_home: EngineHome):
    result = (rescored_home.root / "rescored.json").read_text()
    assert '"report": "warehouse/outputs/report.html"' in result
    assert page_of(rescored_home).startswith("<!doctype html>")


def test_the_command_writes_the_same_bytes_as_the_run(rescored_home: EngineHome, tmp_path: Path):
    home, before = rescored_home.copy(tmp_path / "home"), page_of(rescored_home)
    (home.outputs / "report.html").unlink()
    assert home.call("report").result == {"report": "warehouse/outputs/report.html"}
    assert page_of(home) == before


def test_a_page_that_is_as_it_should_be_is_not_written_again(
    rescored_home: EngineHome, tmp_path: Path
):
    path = rescored_home.copy(tmp_path / "home").outputs / "report.html"
    before = path.stat().st_ino
    write_report(Home(path.parents[2]), "USD")
    assert path.stat().st_ino == before
    path.write_text("broken")
    write_report(Home(path.parents[2]), "USD")
    assert path.read_bytes() == (rescored_home.outputs / "report.html").read_bytes()


def test_retention_leaves_the_report_alone(rescored_home: EngineHome):
    home = Home(rescored_home.root)
    due = due_files(home, load_config(home).retention, date(2099, 1, 1))
    assert home.outputs / "report.html" not in {one.path for one in due}


# What it says


def test_the_headline_is_the_newest_batch(reported: tuple[EngineHome, Elements]):
    home, page = reported
    ((customers, *totals),) = home.rows(
        "select customers, predicted_total, predicted_total_low, predicted_total_high"
        " from marts.clv_batches where cutoff = (select max(cutoff) from marts.clv_batches)"
    )
    headline = page.text("headline")
    assert f"{customers:,} customers are expected to bring ${totals[0]:,.0f}" in headline
    assert f"runs from ${totals[1]:,.0f} to ${totals[2]:,.0f}" in headline


def test_the_tiers_are_those_of_the_mart(reported: tuple[EngineHome, Elements]):
    home, page = reported
    rows = home.rows(
        "select value_tier, count(*), sum(predicted_clv::decimal(38, 10))"
        " from marts.clv_ranked_predictions"
        " where cutoff = (select max(cutoff) from marts.clv_batches) group by value_tier"
    )
    text = page.text("tiers")
    assert len(rows) > 1
    tiers = [tier for tier, *_ in rows]
    for tier, customers, revenue in rows:
        told = f"{tier_with_range(tier, tiers)} {customers:,} {number_text.amount(revenue, 'USD')}"
        assert told in spaced(text)


def test_who_moved_is_counted_as_the_tiers_of_both_batches_say(
    reported: tuple[EngineHome, Elements],
):
    home, page = reported
    batches = "(from marts.champion_batches where speaks_for_cutoff)"
    ((before, now),) = home.rows(
        f"select list(cutoff order by cutoff)[-2], max(cutoff) from {batches}"
    )
    ((came_in, left, everybody),) = home.rows(
        f"with tiers as (from marts.clv_ranked_predictions semi join {batches} as batches"
        " using (cutoff, model_id))"
        " select count(*) filter (b.clv_rank is null), count(*) filter (n.clv_rank is null),"
        " count(*)"
        f" from (from tiers where cutoff = '{now}') as n"
        f" full join (from tiers where cutoff = '{before}') as b using (customer_id)"
    )
    text = spaced(page.text("movement"))
    assert re.search(rf"came in [^\d]* {came_in:,} – \$", text)
    assert re.search(rf"left [^\d]* {left:,} \$[\d,.]+ –", text)
    counted = re.findall(r"(?:moved up|stayed|moved down|came in|left) [^\d]*? ([\d,]+) [$–]", text)
    assert sum(int(one.replace(",", "")) for one in counted) == everybody
    assert day_of(before) in text


def day_of(value: date) -> str:
    return spaced(words.day(value))


def test_every_cluster_has_its_portrait(reported: tuple[EngineHome, Elements]):
    home, page = reported
    rows = home.rows(
        "select cluster_name, customers, clv_index from marts.clv_cluster_ranking"
        " where cutoff = (select max(cutoff) from marts.clv_batches)"
    )
    text = page.text("clusters")
    assert len(rows) > 1
    for name, customers, index in rows:
        shown = number_text.rounded(index, 2 if index < 1 else 1)
        assert re.search(rf"{re.escape(name)} {shown}× ?CLV index {customers:,} customers", text)


def test_the_last_matured_window_is_told_with_its_verdict(reported: tuple[EngineHome, Elements]):
    home, page = reported
    ((predicted, actual, verdict),) = home.rows(
        "select predicted_total, actual_total, verdict from marts.drift_report"
        " where is_newest_revision order by cutoff desc limit 1"
    )
    text = page.text("window")
    assert f"It expected ${predicted:,.0f}" in text
    assert f"; ${actual:,.0f} came" in text
    assert f"Verdict: {verdict}: " in text
    assert verdict in page.text("drift")


def test_the_buyers_are_counted_as_the_predictions_say_it(reported: tuple[EngineHome, Elements]):
    home, page = reported
    ((expected, came, brier),) = home.rows(
        "select sum(probability_of_purchase), count(*) filter (actual_order_count > 0),"
        " avg(pow(probability_of_purchase - (actual_order_count > 0)::int, 2))"
        " from marts.clv_predictions_actual"
        " where cutoff = (select max(cutoff) from marts.clv_predictions_actual)"
    )
    text = spaced(page.text("window"))
    assert f"{expected:,.0f} customers were expected to buy, and {came:,} did" in text
    assert f"{abs(came / expected - 1):.0%}".replace("%", " %") in text.replace("\u202f", " ")
    assert f"Brier score {brier:.3f}" in text
    assert home.rows(
        "select expected_buyers, actual_buyers, brier_score from marts.drift_report"
        " order by cutoff desc, revision desc limit 1"
    ) == [(pytest.approx(expected, abs=1e-5), came, pytest.approx(brier, abs=1e-6))]


def test_the_gain_is_what_the_best_predicted_fifth_brought(reported: tuple[EngineHome, Elements]):
    home, page = reported
    ((share,),) = home.rows(
        "with ranked as (select actual_clv,"
        " row_number() over (order by predicted_clv desc, customer_id) as place,"
        " count(*) over () as customers from marts.clv_predictions_actual"
        " where cutoff = (select max(cutoff) from marts.clv_predictions_actual))"
        " select sum(actual_clv) filter (place <= 0.2 * customers) / sum(actual_clv) from ranked"
    )
    assert f"best 20 % brought {100 * share:.0f} %" in spaced(page.text("window"))


def test_the_winner_of_the_grid_is_framed(reported: tuple[EngineHome, Elements]):
    _, page = reported
    assert "Looking back 6 months to predict 3 months" in page.text("tuning").replace("\xa0", " ")
    assert [attrs for tag, attrs in page.tags if tag == "td" and attrs.get("class") == "best"]
    assert "too few cutoffs" in page.text("tuning")


def test_the_champion_is_marked_in_the_ledger(reported: tuple[EngineHome, Elements]):
    home, page = reported
    ((model_id,),) = home.rows("select model_id from marts.champion_manifest")
    assert f"{model_id} champion" in spaced(page.text("ledger"))


def test_a_page_with_numbers_names_their_marts_and_each_exists(
    reported: tuple[EngineHome, Elements],
):
    home, page = reported
    known = marts_and_views(home)
    for section in SECTIONS[:-1]:
        named = set(re.findall(r"marts\.(\w+)", page.text(section)))
        assert named <= known
        assert named or section == "tuning"


def marts_and_views(home: EngineHome) -> set[str]:
    with home.warehouse() as con:
        return {name.removeprefix("marts.") for name in tables(con) if name.startswith("marts.")}


def test_no_customer_stands_on_the_page(reported: tuple[EngineHome, Elements]):
    home, page = reported
    ids = {found for (found,) in home.rows("select distinct customer_id from marts.customer_rfm")}
    words_of_page = {
        word.strip(".,;:()") for section in SECTIONS for word in words_in(page, section)
    }
    assert len(ids) > 100
    assert ids & words_of_page == set()


def words_in(page: Elements, section: str) -> list[str]:
    return page.text(section).split()


def spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# What a home has not yet


@pytest.mark.parametrize("state", ["new_home", "trained_home", "scored_home", "rescored_home"])
def test_every_state_of_a_home_has_a_whole_page(
    state: str, request: pytest.FixtureRequest, tmp_path: Path
):
    found = request.getfixturevalue(state)
    home = found() if state == "new_home" else found.copy(tmp_path / "home")
    page = Elements(written(home))
    for section in SECTIONS:
        assert len(page.text(section)) > 60, section
        assert not re.search(r"\b(None|nan|NaN|undefined|inf)\b", page.text(section)), section
    for _, attrs in page.tags:
        assert not re.search(r"\b(None|nan|inf)\b", " ".join(map(str, attrs.values())))


@pytest.mark.parametrize(
    ("state", "section", "said"),
    [
        ("new_home", "headline", "No transactions are loaded"),
        ("new_home", "ledger", "No model has been trained yet"),
        ("trained_home", "headline", "A model is trained"),
        ("trained_home", "tiers", "Tiers appear with the first scored batch"),
        ("scored_home", "window", "it ends on 31 May 2012, and the data reaches 20 Mar 2012"),
        ("scored_home", "drift", "No window has finished yet"),
        ("scored_home", "tuning", "Windows have not been tuned yet"),
    ],
)
def test_what_is_missing_is_said_in_its_section(
    state: str, section: str, said: str, request: pytest.FixtureRequest, tmp_path: Path
):
    found = request.getfixturevalue(state)
    home = found() if state == "new_home" else found.copy(tmp_path / "home")
    assert said in page_text(home, section)


def page_text(home: EngineHome, section: str) -> str:
    return Elements(written(home)).text(section).replace("\xa0", " ")


def test_a_search_that_cannot_be_read_is_named_on_the_page(scored_home: EngineHome, tmp_path: Path):
    home = scored_home.copy(tmp_path / "home")
    search_in(home, "history_months,pred_months\n6,3\n")
    assert "grid_search_cells_2012-02-29.csv cannot be read" in page_text(home, "tuning")


def test_a_window_without_revenue_says_so(rescored_home: EngineHome, tmp_path: Path):
    home = rescored_home.copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        con.execute("update marts.drift_report set actual_total = 0, r2 = null, r2_change = null")
        con.execute("update marts.clv_predictions_actual set actual_clv = 0")
        con.execute("update marts.drift_segments set actual_total = 0, predicted_total = 0")
    text = page_text(home, "window")
    assert "The window brought no net revenue" in text
    assert "Nobody spent anything in this window" in text


def test_warnings_and_drift_are_told_with_their_reason(rescored_home: EngineHome, tmp_path: Path):
    home = rescored_home.copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        con.execute(
            "update marts.early_warnings set level = 'alarm', distance = 9, reason = 'much moved'"
            " where indicator = 'return_rate'"
        )
        con.execute("update marts.drift_report set verdict = 'sustained drift'")
    page = Elements(written(home))
    assert "alarm: much moved" in page.text("warnings")
    assert "1 sustained drift" in page.text("drift").replace("\xa0", " ")
    assert "look first at" in page.text("drift")


def test_what_cannot_be_told_is_not_said_to_be_fine(rescored_home: EngineHome, tmp_path: Path):
    home = rescored_home.copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        con.execute(
            "update marts.drift_report set verdict = 'cannot be told', segment_has_drifted = null,"
            " breached = null, total_is_inside = null, reason = 'no record'"
        )
        con.execute(
            "update marts.early_warnings set level = 'cannot be told', distance = null,"
            " value = null, watch_at = null, alarm_at = null"
        )
    page = Elements(written(home))
    assert "Verdict: cannot be told: no record." in page.text("window")
    assert "too little is known to judge" in page.text("drift")
    assert "nothing can be told yet" in page.text("warnings")
    assert "too little is known of the window" in page.text("headline")
    assert "accuracy is as it was" not in page.text("headline")


# Hostile hands


def test_hostile_names_are_text_and_nothing_else(rescored_home: EngineHome, tmp_path: Path):
    home = rescored_home.copy(tmp_path / "home")
    search_in(home, CELLS.replace("too few cutoffs", '"' + HOSTILE.replace('"', '""') + '"'))
    with duckdb.connect(home.database) as con:
        for mart, column in (
            ("clv_cluster_ranking", "cluster_name"),
            ("clv_ranked_predictions", "value_tier"),
            ("drift_segments", "segment_kind"),
            ("early_warnings", "reason"),
            ("early_warnings", "feature"),
            ("champion_manifest", "code_commit"),
        ):
            con.execute(f"update marts.{mart} set {column} = ?", [HOSTILE])
        con.execute("update marts.early_warnings set level = 'alarm'")
        con.execute("update marts.drift_report set verdict = 'drift'")
    html = written(home)
    page = Elements(html)
    names = {tag for tag, _ in page.tags}
    assert names & {"script", "img", "iframe", "object", "link", "base", "form"} <= {"link"}
    assert [name for _, attrs in page.tags for name in attrs if name.startswith("on")] == []
    assert html.count("&lt;script&gt;") >= 5
    assert HOSTILE in page.text("clusters")


def test_the_page_asks_nobody_for_anything(reported: tuple[EngineHome, Elements]):
    home, page = reported
    assert not re.search(r"https?:|//\w|url\(|@import", page_of(home))
    asked = [attrs[name] for _, attrs in page.tags for name in ("src", "href") if name in attrs]
    assert {str(value)[:1] for value in asked} == {"#", "d"}
    assert [value for value in asked if str(value).startswith("d")] == ["data:,"]


# How it looks


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_text_has_a_contrast_of_4_5_on_both_backgrounds(scheme: int):
    css = (REPOSITORY / "ml" / "report" / "page" / "style.css").read_text()
    block = re.findall(r":root \{(.*?)\}", css, flags=re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
    texts = ("ink", "soft", "accent", "actual", "ok", "breach", "drift", "sustained")
    for text in texts:
        for ground in ("paper", "card"):
            light, dark = sorted(
                (luminance(colours[name]) for name in (text, ground)), reverse=True
            )
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


def test_headings_go_down_one_level_at_a_time(reported: tuple[EngineHome, Elements]):
    _, page = reported
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_picture_has_words_and_every_table_a_caption(reported: tuple[EngineHome, Elements]):
    _, page = reported
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) > 5
    assert [
        attrs for attrs in pictures if not attrs.get("aria-label") and "aria-hidden" not in attrs
    ] == []
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == tags.count("caption") > 3
    assert {attrs.get("scope") for tag, attrs in page.tags if tag == "th"} <= {
        "col",
        "row",
        "colgroup",
    }


def test_every_chart_has_its_numbers_in_a_table_below_it(
    browser: Browser, reported: tuple[EngineHome, Elements]
):
    home, _ = reported
    page = browser.new_page()
    page.goto((home.outputs / "report.html").as_uri())
    rows = page.evaluate(
        "[...document.querySelectorAll('figure')].filter(one => one.querySelector('svg'))"
        ".map(one => one.querySelectorAll('details tbody tr').length)"
    )
    assert len(rows) >= 8
    assert min(rows) >= 1
    page.close()


def test_every_query_on_the_page_runs_as_it_stands(
    browser: Browser, reported: tuple[EngineHome, Elements]
):
    home, _ = reported
    page = browser.new_page()
    page.goto((home.outputs / "report.html").as_uri())
    queries = set(
        page.evaluate("[...document.querySelectorAll('pre')].map(one => one.textContent)")
    )
    assert len(queries) >= 11
    for query in queries:
        assert "$" not in query
        assert home.rows(query), query
    page.close()


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.4, "$1,234"), (12.34, "$12.34"), (-1234, "−$1,234"), (None, "–"), (0.0, "$0.00")],
)
def test_money_is_written_for_people(value: float | None, shown: str):
    assert number_text.amount(value, "USD") == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.444, "+44 %"), (-0.001, "0 %"), (-0.3, "−30 %"), (12.0, "+1,200 %")]
)
def test_changes_carry_their_sign(value: float, shown: str):
    assert spaced(number_text.signed_percent(value).replace(number_text.TIGHT, " ")) == shown


@pytest.mark.parametrize(
    ("actual", "said"),
    [
        ([None], "none has been checked yet"),
        ([15.0], "Of the one that ended, 1 did"),
        ([15.0, 21.0, None], "Of the last 2 that ended, 1 did"),
        ([9.0, 21.0], "Of the last 2 that ended, none did"),
        ([11.0, 12.0], "Of the last 2 that ended, all did"),
    ],
)
def test_the_interval_says_how_often_it_held(actual: list[float | None], said: str):
    ends = {"predicted_total_low": 10.0, "predicted_total_high": 20.0}
    assert said in words.interval_record([ends | {"actual_total": total} for total in actual])


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that is on the machine already; none is downloaded."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


NO_VIOLATIONS = "Found 0 accessibility violations:\n"
SIZES = """sections => sections.map(id => {
    const box = document.getElementById(id).getBoundingClientRect();
    return [id, box.width > 100 && box.height > 80];
}).filter(([, seen]) => !seen)"""
EMPTY_PICTURES = """() => [...document.querySelectorAll('svg')].filter(svg => {
    const box = svg.getBoundingClientRect();
    return svg.checkVisibility() && (box.width < 5 || box.height < 5);
}).length"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_opens_offline_whole_and_without_a_word_on_the_console(
    width: int, scheme: str, browser: Browser, reported: tuple[EngineHome, Elements]
):
    home, _ = reported
    context = browser.new_context(
        offline=True,
        color_scheme=scheme,  # pyright: ignore[reportArgumentType]
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    complaints, asked = list[str](), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    address = (home.outputs / "report.html").as_uri()
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    assert page.evaluate(SIZES, list(SECTIONS)) == []
    assert page.evaluate(EMPTY_PICTURES) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) == (scheme == "dark")
    context.close()


# Texts that can be seen without scrolling, folds closed.
FIRST_SCREEN = """() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const range = document.createRange();
        range.selectNodeContents(walker.currentNode);
        const box = range.getBoundingClientRect();
        const seen = box.width && box.top < innerHeight && box.bottom > 0;
        if (seen && walker.currentNode.parentElement.checkVisibility())
            found.push(walker.currentNode.data);
    }
    return found.join(' ');
}"""


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_first_screen_speaks_of_no_metric_no_model_and_no_mart(
    size: tuple[int, int], browser: Browser, reported: tuple[EngineHome, Elements]
):
    home, _ = reported
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto((home.outputs / "report.html").as_uri())
    text = spaced(page.evaluate(FIRST_SCREEN))
    assert "customers are expected to bring" in text.replace(" ,", ",")
    assert not re.search(r"RMSE|MAE|R²|\bR2\b|\bD2\b|Brier|marts", text)
    # the mart of customers has the name of the people
    assert not [mart for mart in marts_and_views(home) if "_" in mart and mart in text]
    ((model_id,),) = home.rows("select model_id from marts.champion_manifest")
    assert model_id not in text
    assert model_id in page.evaluate("document.body.textContent")
    page.close()


AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_that_keeps_somebody_out(
    width: int, scheme: str, browser: Browser, reported: tuple[EngineHome, Elements]
):
    home, _ = reported
    page = browser.new_page(
        color_scheme=scheme,  # pyright: ignore[reportArgumentType]
        viewport={"width": width, "height": 900},
    )
    page.goto((home.outputs / "report.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert Axe().run(page, options=AXE).generate_report() == NO_VIOLATIONS
    # small letters in a grey that is too near to paper and night
    page.add_style_tag(content="figcaption, .source { color: #777777 !important }")
    found = {one["id"] for one in Axe().run(page, options=AXE).response["violations"]}
    assert found == {"color-contrast"}
    page.close()


TABBED = """() => {
    const one = document.activeElement;
    return one === document.body ? null : [
        one.tagName, one.getAttribute('href') || one.textContent.trim(),
        getComputedStyle(one).outlineStyle, one.checkVisibility()
    ];
}"""
IN_ORDER = """() => [...document.querySelectorAll('a[href], summary, [tabindex]')]
    .filter(one => one.checkVisibility())
    .map(one => [one.tagName, one.getAttribute('href') || one.textContent.trim()])"""


def test_the_keyboard_reaches_every_link_and_fold_from_top_to_bottom_and_shows_where_it_is(
    browser: Browser, reported: tuple[EngineHome, Elements]
):
    home, _ = reported
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((home.outputs / "report.html").as_uri())
    expected, reached = page.evaluate(IN_ORDER), list[list[object]]()
    page.keyboard.press("Tab")
    while (found := page.evaluate(TABBED)) is not None and len(reached) <= len(expected):
        reached.append(found)
        page.keyboard.press("Tab")
    assert [found[:2] for found in reached] == expected
    assert len(expected) > 20
    assert {(found[2], found[3]) for found in reached} == {("solid", True)}
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details table').checkVisibility()")
    page.close()


def test_the_page_prints_on_paper_with_its_hidden_tables(
    browser: Browser, reported: tuple[EngineHome, Elements], tmp_path: Path
):
    home, _ = reported
    page = browser.new_page(color_scheme="dark")
    page.goto((home.outputs / "report.html").as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 33, 38)"
    assert page.evaluate("document.querySelector('details table').checkVisibility()")
    assert not page.evaluate("document.querySelector('pre').checkVisibility()")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").stat().st_size > 20_000
    page.close()


def test_the_page_of_an_empty_home_opens_too(browser: Browser, new_home: Callable[..., EngineHome]):
    home = new_home()
    written(home)
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto((home.outputs / "report.html").as_uri())
    assert page.evaluate(SIZES, list(SECTIONS)) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
