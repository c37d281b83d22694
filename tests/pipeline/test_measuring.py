"""Matured windows, drift report, early warnings and alerts, through the command line."""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from conftest import EngineHome, frame, home_at, line, transaction_log
from fake_jira import TOKEN, running_jira
from warm import Outcome

from ml.home.number_text import total

FIRST, MIDDLE, SECOND = date(2011, 8, 31), date(2011, 9, 30), date(2011, 10, 31)
OPEN, LAST = date(2011, 11, 20), date(2012, 1, 10)
FIRST_WINDOW = (date(2011, 9, 1), date(2011, 11, 30))
SECOND_WINDOW = (date(2011, 11, 1), date(2011, 12, 31))
ALERTS = ("drift_alert_2011-08-31_pred3m.md", "drift_alert_2011-08-31_pred3m.png")


def until(log: pd.DataFrame, day: date) -> pd.DataFrame:
    """The lines of the log up to a day."""
    return log[log["order_ts"] < pd.Timestamp(day) + pd.Timedelta(days=1)]


def shocked(log: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """The log with prices times 0.4 from September on for customers with large orders."""
    spent = log["quantity"] * log["unit_price"]
    orders = spent.groupby([log["customer_id"], log["order_id"]]).sum()
    before = orders[orders > 0].groupby("customer_id").mean()
    large = set(before[before > before.median()].index)
    hit = log["customer_id"].isin(large) & (log["order_ts"] >= pd.Timestamp(FIRST_WINDOW[0]))
    return log.assign(unit_price=log["unit_price"].where(~hit, 0.4 * log["unit_price"])), large


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return transaction_log(seed=3, customers=600, last_day=LAST)


@pytest.fixture(scope="module")
def begun(log: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """Trained at FIRST; the calendar is moved on, so that `run` scores nothing by itself."""
    home = home_at(tmp_path_factory.mktemp("begun") / "home")
    home.deliver(until(log, OPEN))
    home.call("train", "--cutoff", FIRST.isoformat())
    home.configure(r"^  last_score_cutoff:.*$", f'  last_score_cutoff: "{LAST}"')
    return home


@pytest.fixture(scope="module")
def life(
    begun: EngineHome, log: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[EngineHome, dict[str, Any]]:
    """Batches of two champions, then the data that matures all three; every result by name."""
    home = begun.copy(tmp_path_factory.mktemp("life") / "home")
    found: dict[str, Any] = {"open": home.call("run", "--cutoff", FIRST.isoformat()).result}
    found["warnings"] = warnings_of(home)
    home.call("run", "--cutoff", MIDDLE.isoformat())
    # the config says 2 months from now on; what was predicted for 3 is not concerned
    home.configure(r"^  pred_months: 3 ", "  pred_months: 2 ")
    found["second"] = home.call("train", "--cutoff", SECOND.isoformat()).result
    home.call("run", "--cutoff", SECOND.isoformat())
    found["status"] = home.call("status").result
    home.deliver(until(log, LAST))
    found["matured"] = home.call("run").result
    found["state"] = home.state()
    found["again"] = home.call("run").result
    found["state again"] = home.state()
    return home, found


@pytest.fixture(scope="module")
def restated(
    life: tuple[EngineHome, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[EngineHome, dict[str, Any]]:
    """The same home after a late delivery for a day of both windows."""
    home = life[0].copy(tmp_path_factory.mktemp("restated") / "home")
    (customer,) = home.rows(
        "select customer_id from marts.clv_predictions_actual where actual_clv = 0"
        f" and cutoff = '{FIRST}' and customer_id in (select customer_id"
        f" from marts.clv_predictions_actual where cutoff = '{SECOND}') order by all limit 1"
    )[0]
    home.deliver(frame([line(customer, date(2011, 11, 15), price=77)]), "late.parquet")
    return home, home.call("run").result | {"customer": customer}


def warnings_of(home: EngineHome) -> list[tuple[Any, ...]]:
    return home.rows(
        "select indicator, as_of_date, value, level, reason from marts.early_warnings order by all"
    )


def revenue(log: pd.DataFrame, window: tuple[date, date]) -> dict[str, float]:
    """Net revenue by customer of the days of a window, from the delivered lines."""
    days = log["order_ts"].dt.date
    inside = log[(days >= window[0]) & (days <= window[1])]
    return (
        (inside["quantity"] * inside["unit_price"]).groupby(inside["customer_id"]).sum().to_dict()
    )


def test_an_open_window_is_not_measured_and_warns_early(life: tuple[EngineHome, dict[str, Any]]):
    result, warnings = life[1]["open"], life[1]["warnings"]
    assert result["measured"] == [] and result["alerts"] == []
    (so_far,) = [row for row in warnings if row[0] == "revenue_so_far"]
    assert so_far[1] == OPEN
    assert so_far[2] == pytest.approx(1, abs=0.5)
    assert "89 % of the window passed" in so_far[4]
    features = [row for row in warnings if row[0] == "feature_shift"]
    # the batch is the training population itself
    assert len(features) == 15 and all(row[2] == pytest.approx(0) for row in features)


def test_windows_are_measured_by_their_own_months_and_baseline(
    life: tuple[EngineHome, dict[str, Any]],
):
    home, found = life
    cards = home.manifest.parent / "cards"
    assert len(found["status"]["open_windows"]) == 3
    measured = {row["cutoff"]: row for row in found["matured"]["measured"]}
    assert list(measured) == [day.isoformat() for day in (FIRST, MIDDLE, SECOND)]
    models = [row["model_id"] for row in measured.values()]
    assert models[0] == models[1] != models[2]
    assert [row["pred_months"] for row in measured.values()] == [3, 3, 2]
    for row in measured.values():
        card = json.loads((cards / f"{row['model_id']}.json").read_text())
        assert row["pred_months"] == card["pred_months"]
        assert row["baseline_rmse"] == card["baseline_rmse"]
        assert row["baseline_r2"] == card["baseline_r2"]


@pytest.mark.parametrize(
    ("cutoff", "months", "window"), [(FIRST, 3, FIRST_WINDOW), (SECOND, 2, SECOND_WINDOW)]
)
def test_actuals_are_the_revenue_of_the_window_and_zero_without_one(
    life: tuple[EngineHome, dict[str, Any]],
    log: pd.DataFrame,
    cutoff: date,
    months: int,
    window: tuple[date, date],
):
    home, _ = life
    rows = home.rows(
        "select customer_id, actual_clv::double, window_start, window_end"
        f" from marts.clv_predictions_actual where cutoff = '{cutoff}'"
    )
    scored = home.rows(f"select customer_id from marts.clv_predictions where cutoff = '{cutoff}'")
    assert sorted(row[0] for row in rows) == sorted(row[0] for row in scored)
    assert {row[2:] for row in rows} == {window}
    expected = revenue(log, window)
    for customer, actual, *_ in rows:
        assert actual == pytest.approx(expected.get(customer, 0), abs=1e-6)
    assert any(customer not in expected for customer, *_ in rows)
    exported = pd.read_csv(home.outputs / f"clv_predictions_actual_{cutoff}_pred{months}m.csv")
    assert len(exported) == len(rows)
    assert exported["actual_clv"].sum() == pytest.approx(sum(row[1] for row in rows))


def test_the_record_of_the_model_lets_error_and_lead_be_judged(
    life: tuple[EngineHome, dict[str, Any]],
):
    unknown = life[0].rows(
        "select cutoff from marts.drift_report where error_change is null or isnan(error_change)"
        " or lead_change is null or isnan(lead_change)"
    )
    assert unknown == []


def test_segments_of_a_kind_add_up_to_the_window(life: tuple[EngineHome, dict[str, Any]]):
    gaps = life[0].rows(
        "select cutoff, drift_segments.segment_kind from marts.drift_segments"
        " join marts.drift_report"
        " using (cutoff, model_id, revision) group by all"
        " having sum(drift_segments.customers) <> any_value(drift_report.customers)"
        " or abs(sum(drift_segments.actual_total) - any_value(drift_report.actual_total)) > 0.01"
    )
    assert gaps == []


def test_the_same_run_again_adds_nothing(life: tuple[EngineHome, dict[str, Any]]):
    _, found = life
    assert found["again"]["measured"] == []
    assert found["again"]["exports"] == found["again"]["alerts"] == []
    assert found["state again"] == found["state"]


def test_a_late_row_makes_a_second_revision_and_keeps_the_first(
    life: tuple[EngineHome, dict[str, Any]], restated: tuple[EngineHome, dict[str, Any]]
):
    home, result = restated
    assert [(row["cutoff"], row["revision"]) for row in result["measured"]] == [
        (FIRST.isoformat(), 2),
        (MIDDLE.isoformat(), 2),
        (SECOND.isoformat(), 2),
    ]
    old = "select * exclude (is_newest_revision) from marts.drift_report order by cutoff"
    kept = old.replace("order by", "where revision = 1 order by")
    assert home.rows(kept) == life[0].rows(old)
    segments = "select * from marts.drift_segments where revision = 1 order by all"
    assert home.rows(segments) == life[0].rows(segments)
    assert home.rows(
        "select revision, actual_clv::integer from marts.clv_predictions_actual"
        f" where customer_id = '{result['customer']}' and cutoff = '{FIRST}'"
    ) == [(2, 77)]
    exported = pd.read_csv(home.outputs / f"clv_predictions_actual_{FIRST}_pred3m.csv")
    assert set(exported["revision"]) == {2}


def test_a_batch_that_is_scored_again_is_measured_again(
    life: tuple[EngineHome, dict[str, Any]], tmp_path: Path
):
    home = life[0].copy(tmp_path / "home")
    late = frame([line("LATE", SECOND - timedelta(days=9), price=500)])
    home.deliver(late, "late.parquet")
    result = home.call("run", "--cutoff", SECOND.isoformat()).result
    assert (SECOND.isoformat(), 2) in {(m["cutoff"], m["revision"]) for m in result["measured"]}
    where = f"where cutoff = '{SECOND}' order by customer_id"
    predicted = "select customer_id, predicted_clv from marts."
    scored = home.rows(f"{predicted}clv_predictions {where}")
    assert "LATE" in {customer for customer, _ in scored}
    assert home.rows(f"{predicted}clv_predictions_actual {where}") == scored
    assert home.rows(
        f"select customers from marts.drift_report where is_newest_revision and cutoff = '{SECOND}'"
    ) == [(len(scored),)]


@pytest.fixture(scope="module")
def shock(
    begun: EngineHome, log: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> tuple[EngineHome, Outcome]:
    """The first batch in a world where customers with large orders spend 0.4 from September on."""
    home = begun.copy(tmp_path_factory.mktemp("shock") / "home")
    home.deliver(until(shocked(log)[0], LAST))
    return home, home.call("run", "--cutoff", FIRST.isoformat())


def test_a_shock_of_one_half_is_alerted_and_the_half_is_named_first(
    shock: tuple[EngineHome, Outcome],
):
    home, outcome = shock
    assert {Path(name).name for name in outcome.result["alerts"]} == set(ALERTS)
    ((kind, name, ratio),) = home.rows(
        "select segment_kind, segment, actual_to_predicted from marts.drift_segments"
        " where segment_rank = 1"
    )
    assert kind == "order-value half" and name.startswith("over $")
    assert ratio < 0.7
    page = (home.outputs / ALERTS[0]).read_text()
    assert f"**mean order value {name}** explains the change best" in page
    assert f"- Segments against the rest: mean order value {name}, " in page
    assert (home.outputs / ALERTS[1]).read_bytes().startswith(b"\x89PNG")


def test_an_alert_tells_what_a_person_needs_and_every_link_leads_somewhere(
    shock: tuple[EngineHome, Outcome],
):
    home, _ = shock
    page = (home.outputs / ALERTS[0]).read_text()
    for part in ("## What drifted, and how sure", "## Where the error lies", "## Is it the data?"):
        assert part in page
    assert "Nothing was retrained" in page and "`python orchestrate.py tune`" in page
    for target in pd.Series([page]).str.findall(r"\]\(([^)]+)\)").iloc[0]:
        assert (home.outputs / target).resolve().is_file(), target
    assert "nan" not in page.lower().split() and "None" not in page


def test_an_alert_has_the_numbers_of_its_picture_and_each_amount_its_currency(
    shock: tuple[EngineHome, Outcome],
):
    home, _ = shock
    page = (home.outputs / ALERTS[0]).read_text()
    section = page.split("## Predicted and actual by tenth")[1].split("\n## ")[0]
    assert f"]({ALERTS[1]})" in section
    rows = home.rows(
        "select segment::int, predicted_total / customers, actual_total / customers"
        " from marts.drift_segments where segment_kind = 'prediction decile' order by 1"
    )
    assert len(rows) == 10
    for tenth, predicted, actual in rows:
        now = f"{total(predicted, 'USD')} | {total(actual, 'USD')} |"
        assert re.search(rf"^\| {tenth} \| .* \| {re.escape(now)}$", section, re.MULTILINE), tenth
    ((came, expected),) = home.rows("select actual_total, predicted_total from marts.drift_report")
    assert f"- Total: ${came:,.0f} came of ${expected:,.0f} expected (80 % interval $" in page
    assert re.search(r"\| RMSE \| \$[\d,.]+ \| \$[\d,.]+ \|", page)
    assert re.search(r"\| net revenue \| \$[\d,]+ \|", page)


def test_customers_who_all_stay_away_are_drift_and_alert(
    begun: EngineHome, log: pd.DataFrame, tmp_path: Path
):
    home = begun.copy(tmp_path / "home")
    late = log["order_ts"] >= pd.Timestamp(FIRST_WINDOW[0])
    strangers = log["customer_id"].where(~late, "new-" + log["customer_id"])
    home.deliver(until(log.assign(customer_id=strangers), LAST))
    result = home.call("run", "--cutoff", FIRST.isoformat()).result
    (window,) = result["measured"]
    assert window["verdict"] == "drift" and window["total_is_inside"] is False
    assert window["reason"].startswith("nothing came of ")
    assert window["actual_buyers"] == 0 and window["expected_buyers"] > 3
    assert {Path(name).name for name in result["alerts"]} == set(ALERTS)
    page = (home.outputs / ALERTS[0]).read_text()
    assert "- Buyers: 0 customers bought, " in page and "(100% fewer)" in page
    assert "undefined, because nothing was spent" in page
    assert "nan" not in page.lower().split() and "None" not in page


def test_lost_alert_files_are_made_again_with_the_same_bytes(
    shock: tuple[EngineHome, Outcome], tmp_path: Path
):
    home = shock[0].copy(tmp_path / "home")
    before = {name: (home.outputs / name).read_bytes() for name in ALERTS}
    for name in ALERTS:
        (home.outputs / name).unlink()
    result = home.call("run").result
    assert len(result["alerts"]) == 2 and result["measured"] == []
    assert {name: (home.outputs / name).read_bytes() for name in ALERTS} == before


def test_a_run_ends_well_whatever_jira_does_and_there_is_one_ticket_in_the_end(
    shock: tuple[EngineHome, Outcome], tmp_path: Path
):
    home = shock[0].copy(tmp_path / "home")
    with running_jira() as fake:
        jira = f"url: http://127.0.0.1:{fake.port}/jira, project: CLV, timeout_seconds: 2"
        home.config.write_text(f"{home.config.read_text()}\nalerts:\n  jira: {{{jira}}}\n")
        told = []
        for modes in ({"search": "500"}, {"create": "done then hang"}, {}, {}):
            fake.modes = modes
            told.append(home.call("run", CLV_JIRA_TOKEN=TOKEN).result["deliveries"])
        assert "no ticket yet" in told[0][0] and "Jira ticket CLV-1" in told[1][0]
        assert told[-1] == []
        (ticket,) = fake.issues
    assert ticket["fields"]["summary"].startswith("Drift alert (")
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_from_drift_on_a_breach_does_not_alert(shock: tuple[EngineHome, Outcome], tmp_path: Path):
    home = shock[0].copy(tmp_path / "home")
    with duckdb.connect(home.database) as con:
        con.execute("update marts.drift_report set verdict = 'breach'")
    home.config.write_text(f"{home.config.read_text()}\nalerts:\n  from: drift\n")
    result = home.call("run").result
    assert {Path(name).name for name in result["alerts_withdrawn"]} == set(ALERTS)
    home.configure(r"^  from: drift", "  from: breach")
    assert {Path(name).name for name in home.call("run").result["alerts"]} == set(ALERTS)
