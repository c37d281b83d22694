"""Verdicts on measured windows: the SQL of the marts over rows of figures, without a home."""

import duckdb
import jinja2
import pandas as pd
from conftest import PROJECT
from money_macros import of_money

MACROS = ("segment_sums", "segment_bands", "drift_rule")
KEY = ["cutoff", "model_id", "revision"]
# a window of which everything is known, and all is as it should be
QUIET = {
    "model_id": "M",
    "cutoff": "2020-01-31",
    "revision": 1,
    "pred_months": 1,
    "customers": 1000,
    "predicted_total": 1000.0,
    "predicted_total_low": 800.0,
    "predicted_total_high": 1250.0,
    "actual_total": 1000.0,
    "expected_buyers": 300.0,
    "actual_buyers": 300,
    "brier_score": 0.2,
    "rmse": 10.0,
    "baseline_rmse": 10.0,
    "r2": 0.5,
    "baseline_r2": 0.5,
    "error_low": -0.2,
    "lead_high": 0.05,
    "segment_z": 0.0,
    "segment_customers": 500,
    "usual_window_count": 1,
}
SEGMENT = {"segment_kind": "cluster", "segment": "Frequent", "segment_rank": 1}
FIGURES = ["r2", "d2", "normalised_gini", "spearman", "top_decile_share", "bias", "mae"]
FIGURES += ["rmse", "interval_coverage"]
CHANGES = [f"{name}_{end}" for name in ("error", "lead") for end in ("change", "low", "high")]
LEADS = [
    f"lead_over_{name}{end}" for name in ("naive", "pareto_nbd") for end in ("", "_low", "_high")
]


def model(path: str) -> str:
    """The SQL of a model on an empty target, its refs as plain names."""
    macros = (PROJECT / "macros" / f"{name}.sql" for name in MACROS)
    text = "".join(file.read_text() for file in [*macros, PROJECT / "models" / f"{path}.sql"])
    return (
        of_money(jinja2.Environment())
        .from_string(text)
        .render(ref=lambda name: name, config=lambda **_: "", is_incremental=lambda: False)
    )


def drift_report(windows: pd.DataFrame) -> pd.DataFrame:
    """drift_report of windows with some columns of QUIET, the others as there; by cutoff.

    Each window has one segment, of segment_customers.
    """
    rows = windows.assign(**{name: value for name, value in QUIET.items() if name not in windows})
    rows = rows.assign(
        **{name: 0.0 for name in [*FIGURES, *CHANGES, *LEADS] if name not in rows},
        threshold_rmse=0.20,
        threshold_r2=0.15,
    )
    with duckdb.connect() as con:
        con.register("rows", rows)
        con.execute("create table windows as select * replace (cutoff::date as cutoff) from rows")
        con.execute(
            "create view int_matured_windows as select cutoff, model_id, revision, pred_months,"
            " 9::integer as history_months, cutoff + 1 as window_start,"
            " (cutoff + 1 + to_months(pred_months::integer))::date - 1 as window_end from windows"
        )
        con.execute(
            "create view clv_batches as select distinct on (cutoff, model_id) *,"
            " 'champion' as role from windows"
        )
        con.execute("create view int_window_totals as from windows")
        con.execute("create table stg_currency as select '$' as currency_mark")
        con.execute("create view champion_manifest as from windows")
        figures = ", ".join([*KEY, "customers", "actual_total", "predicted_total", *FIGURES])
        changes = ", ".join([*CHANGES, *LEADS, "threshold_rmse", "threshold_r2"])
        con.execute(f"create view drift_measurements as select {figures}, {changes} from windows")
        segment = ", ".join(f"'{value}' as {name}" for name, value in SEGMENT.items())
        con.execute(
            "create view drift_segments as select cutoff, model_id, revision,"
            " segment_customers as customers, segment_z as z_against_rest, usual_window_count,"
            f" abs(coalesce(segment_z, 0)) > 4.5 as has_drifted, {segment} from windows"
        )
        con.execute(
            f"create view int_judged_windows as {model('intermediate/monitor/int_judged_windows')}"
        )
        return con.sql(f"from ({model('marts/drift_report')}) order by cutoff, revision").df()


def is_worse(changes: dict[str, dict[str, float]]) -> bool:
    """Whether error or lead is worse than at training, as int_judged_windows says it."""
    return bool(changes["error"]["low"] > 0 or changes["lead"]["high"] < 0)


def verdicts(windows: list[dict[str, object]]) -> list[str]:
    """Verdicts of windows a month apart, each QUIET but for what is given."""
    days = pd.date_range("2020-01-31", periods=len(windows), freq="ME")
    rows = [QUIET | {"cutoff": day} | window for day, window in zip(days, windows, strict=True)]
    return drift_report(pd.DataFrame(rows))["verdict"].tolist()
