"""The page of a drift alert, in Markdown, for a person who has to find the cause."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from ml.alerts.facts import DriftFacts, calibration
from ml.home.number_text import is_known, relative_change, three_digits, total, written
from ml.home.segment_text import segment_in_words, tier_with_range
from ml.model.measures.drift import CONFIDENCE

SHOWN_KINDS = (
    ("value tier", "Value tier"),
    ("cluster", "Behaviour cluster"),
    ("tenure band", "Tenure"),
    ("order-value band", "Mean order value"),
)
MOST_MOVED = 6
# checks of the data that are amounts
MONEY_CHECKS = ("net_revenue",)
SEGMENTS_QUIET = "no segment left the rest"
SEGMENTS_UNTOLD = (
    "but whether that is drift cannot be told: no segment has 200 customers and a usual level yet"
)
# a total of buyers is off when it differs by more than this share, and by more than chance
BUYERS_OFF = 0.05
HOW_SURE = {
    "breach": "A threshold of the config was passed, or the total lies outside its interval, but "
    "both are within the noise of such windows.",
    "drift": "The change is outside the noise of a window: at least one of the figures or segments "
    "below lies beyond what chance explains.",
    "sustained drift": "The change is outside the noise, as one was in the window before: this is "
    "hardly chance.",
}


def title(facts: DriftFacts) -> str:
    """One line: verdict, batch, and the segment that explains most."""
    first = _first_segment(facts)
    cause = f"; first look at {_segment_name(first, facts)}" if first is not None else ""
    batch = facts.batch
    return (
        f"Drift alert ({facts.report['verdict']}): predictions of {batch.cutoff} "
        f"for {batch.pred_months} months{cause}"
    )


def page(facts: DriftFacts, currency: str) -> str:
    """The whole page; nothing in it depends on when it is written."""
    sections = [
        _head(facts, currency),
        _drifted(facts, currency),
        _figures(facts, currency),
        _cause(facts),
        _segments(facts, currency),
        _tenths(facts, currency),
        _features(facts),
        _checks(facts, currency),
        _next_steps(facts),
    ]
    return "\n\n".join(sections) + "\n"


def _head(facts: DriftFacts, currency: str) -> str:
    report, batch = facts.report, facts.batch
    revised = ""
    if report["revision"] > 1:
        revised = (
            f"\n\n**Revision {report['revision']}**: late or restated rows changed the window; the "
            "earlier measurements stay in `drift_report`."
        )
    return (
        f"# Drift alert: predictions of {batch.cutoff} for {batch.pred_months} months\n\n"
        f"Verdict **{report['verdict']}**, revision {report['revision']}. Model "
        f"`{batch.model_id}`, {report['customers']:,} customers, window "
        f"{_day(report['window_start'])} to {_day(report['window_end'])}, money in {currency}."
        f"{revised}"
    )


def _drifted(facts: DriftFacts, currency: str) -> str:
    report = facts.report
    lines = [
        f"- Thresholds of the config passed: {_passed(report)}.",
        _total(report, currency),
        *_buyers(report),
        _error(report),
        _lead(report),
        _left_the_rest(facts),
    ]
    sure = f"{HOW_SURE[report['verdict']]} In short: {report['reason']}."
    return "\n".join(["## What drifted, and how sure", "", sure, "", *lines])


def _passed(report: dict[str, Any]) -> str:
    names = [("RMSE", "rmse_is_breached"), ("R2", "r2_is_breached")]
    passed = " and ".join(name for name, key in names if report[key]) or "none"
    untold = " and ".join(name for name, key in names if report[key] is None)
    return f"{passed}; it cannot be told of {untold}" if untold else passed


def _total(report: dict[str, Any], currency: str) -> str:
    """The total beside the interval that was published for it."""
    low, high = (total(report[f"predicted_total_{end}"], currency) for end in ("low", "high"))
    came, expected = (total(report[name], currency) for name in ("actual_total", "predicted_total"))
    words = f"- Total: {came} came of {expected} expected (80 % interval {low} to {high})"
    if report["total_is_inside"] is None:
        return f"{words}; whether that is inside cannot be told."
    if report["total_is_inside"]:
        return f"{words}, inside."
    again = ", for the second window running" if report["total_is_outside_twice"] else ""
    return f"{words}, outside{again}."


def _buyers(report: dict[str, Any]) -> list[str]:
    """How many customers bought, where that is off by more than BUYERS_OFF and chance."""
    expected, came = report["expected_buyers"], report["actual_buyers"]
    if not is_known(expected) or not is_known(came) or not expected > 0:
        return []
    if abs(came - expected) <= max(BUYERS_OFF * expected, 2 * math.sqrt(expected)):
        return []
    change = came / expected - 1
    return [
        f"- Buyers: {came:,.0f} customers bought, {expected:,.0f} were expected "
        f"({abs(change):.0%} {'more' if change > 0 else 'fewer'}); "
        f"Brier score {three_digits(report['brier_score'])}."
    ]


def _error(report: dict[str, Any]) -> str:
    """The change of the error in per cent, with its interval."""
    change, low, high = (report[f"error_{end}"] for end in ("change", "low", "high"))
    words = "- Error in relation to spending"
    if not is_known(change):
        return f"{words}: {_why_unknown(report)}."
    place = math.expm1(change)
    moved = f"{words}: {abs(place):.0%} {'higher' if place > 0 else 'lower'} than at training"
    if not is_known(low):
        return f"{moved}; too few customers to tell it from noise."
    noise = "outside the noise" if low > 0 else "within the noise"
    interval = f"{math.expm1(low):+.0%} to {math.expm1(high):+.0%}, {CONFIDENCE['error']:.0%}"
    return f"{moved} ({interval}), {noise}."


def _why_unknown(report: dict[str, Any]) -> str:
    if not report["actual_total"] > 0:
        return "undefined, because nothing was spent"
    return "the model has no record to compare with"


def _lead(report: dict[str, Any]) -> str:
    change, low, high = (report[f"lead_{end}"] for end in ("change", "low", "high"))
    if not is_known(change):
        return f"- Lead over naive and Pareto/NBD: {_why_unknown(report)}."
    moved = (
        "- Lead over the better of naive and Pareto/NBD (points of D2): "
        f"{100 * change:+.1f} against training"
    )
    if not is_known(low):
        return f"{moved}; too few customers to tell it from noise."
    noise = "outside the noise" if high < 0 else "within the noise"
    return f"{moved} ({100 * low:+.1f} to {100 * high:+.1f}, {CONFIDENCE['lead']:.0%}), {noise}."


def _left_the_rest(facts: DriftFacts) -> str:
    """The segment to look at first, in standard errors against its threshold."""
    report = facts.report
    if not is_known(report["segment_z"]):
        return "- Segments against the rest: no segment has others to compare with."
    name = _segment_name({key: report[key] for key in ("segment_kind", "segment")}, facts)
    noise = "outside the noise" if report["segment_has_drifted"] else SEGMENTS_QUIET
    if report["segment_has_drifted"] is None:
        noise = SEGMENTS_UNTOLD
    return (
        f"- Segments against the rest: {name}, {abs(report['segment_z']):.1f} standard errors "
        f"{'ahead' if report['segment_z'] > 0 else 'behind'} (threshold "
        f"{report['segment_threshold']:.1f}), {noise}."
    )


def _figures(facts: DriftFacts, currency: str) -> str:
    report, baseline = facts.report, facts.baseline

    def money(value: float | None) -> str:
        return total(value, currency)

    rows = [
        _threshold_row("RMSE", report, "rmse", f"+{report['rmse_threshold']:.0%}", money),
        _threshold_row("R2", report, "r2", f"-{report['r2_threshold']:.0%}", three_digits),
    ]
    for words, name, figure in (
        ("MAE", "mae", money),
        ("D2", "d2", three_digits),
        ("normalised Gini", "normalised_gini", three_digits),
    ):
        then, now = baseline.get(name), report[name]
        rows.append([words, figure(then), figure(now), relative_change(now, then), "", ""])
    rows += _ratio_rows(facts)
    heads = ["figure", "at training", "now", "change", "threshold", "passed"]
    return f"## Figures\n\n{_table(heads, rows)}"


def _ratio_rows(facts: DriftFacts) -> list[list[str]]:
    """What came against what was predicted: money, and buyers where they were measured."""
    report, baseline = facts.report, facts.baseline
    ratio = (
        report["actual_total"] / report["predicted_total"] if report["predicted_total"] else None
    )
    level = baseline.get("bias")
    then = 1 / (1 + level) if level is not None and is_known(level) and level > -1 else None
    figures = [three_digits(then), three_digits(ratio), relative_change(ratio, then)]
    rows = [["actual / predicted total", *figures, "", ""]]
    expected, came = report["expected_buyers"], report["actual_buyers"]
    if is_known(expected) and is_known(came) and expected > 0:
        rows.append(["buyers, actual / expected", "", three_digits(came / expected), "", "", ""])
        rows.append(["Brier score", "", three_digits(report["brier_score"]), "", "", ""])
    return rows


def _threshold_row(
    words: str,
    report: dict[str, Any],
    name: str,
    threshold: str,
    figure: Callable[[float | None], str],
) -> list[str]:
    baseline = report[f"baseline_{name}"]
    is_absolute = name == "r2" and is_known(baseline) and baseline <= 0
    form = "{:+.3f}" if is_absolute else "{:+.0%}"
    return [
        words,
        figure(baseline),
        figure(report[name]),
        written(report[f"{name}_change"], form),
        f"-{report['r2_threshold']:.2f}" if is_absolute else threshold,
        _passed_in_words(report[f"{name}_is_breached"]),
    ]


def _passed_in_words(is_breached: bool | None) -> str:
    if is_breached is None:
        return "cannot be told"
    return "yes" if is_breached else "no"


def _cause(facts: DriftFacts) -> str:
    first = _first_segment(facts)
    text = "No segment can be told from the others."
    if first is not None:
        others = _others(first, facts.report)
        mine, distance = three_digits(first["actual_to_predicted"]), abs(first["z_against_rest"])
        text = (
            f"**{_segment_name(first, facts)}** explains the change best: its "
            f"{first['customers']:,} customers brought {mine} of what was predicted, all others "
            f"{three_digits(others)} (difference of {distance:.1f} standard errors, the best "
            "customers damped)."
        )
        if abs(first["usual_level_against_rest"]) > 0.1:
            usual = math.expm1(first["usual_level_against_rest"])
            text += f" In quiet windows before, the segment lay {usual:+.0%} from the others."
        if abs(first["z_against_rest"]) < 3:
            text += " That is little: the change may lie in all customers alike."
    rows = [
        [
            str(row["segment_rank"]),
            _segment_name(row, facts),
            f"{row['customers']:,}",
            three_digits(row["actual_to_predicted"]),
            f"{row['z_against_rest']:+.1f}" if is_known(row["z_against_rest"]) else "",
        ]
        for row in _ranked(facts)[:5]
    ]
    heads = ["rank", "segment", "customers", "actual / predicted", "z against the rest"]
    return f"## Where to look first\n\n{text}\n\n{_table(heads, rows)}"


def _segments(facts: DriftFacts, currency: str) -> str:
    """The error by kind of segment, worst first."""
    heads = ["segment", "customers", "predicted", "actual", "actual / predicted", "RMSE"]
    heads += ["share of squared error", "z"]
    sections = ["## Where the error lies"]
    for kind, words in SHOWN_KINDS:
        mine = [row for row in _ranked(facts) if row["segment_kind"] == kind]
        if mine:
            rows = [_segment_row(row, facts, currency) for row in mine]
            sections.append(f"### {words}\n\n{_table(heads, rows)}")
    return "\n\n".join(sections)


def _segment_row(row: dict[str, Any], facts: DriftFacts, currency: str) -> list[str]:
    return [
        _cell(tier_with_range(row["segment"], _tiers(facts))),
        f"{row['customers']:,}",
        total(row["predicted_total"], currency),
        total(row["actual_total"], currency),
        three_digits(row["actual_to_predicted"]),
        total(row["rmse"], currency),
        written(row["squared_error_share"], "{:.0%}"),
        written(row["z_score"], "{:+.1f}"),
    ]


def _tenths(facts: DriftFacts, currency: str) -> str:
    """The figures of the picture."""
    periods = calibration(facts)
    heads = ["tenth of the customers, 1 = highest predicted"]
    heads += [f"{side} {period}" for period in periods for side in ("predicted", "actual")]
    means: dict[int, dict[str, Any]] = {}
    for period, table in periods.items():
        for row in table.to_dict("records"):
            for name in ("mean_predicted", "mean_actual"):
                means.setdefault(int(row["decile"]), {})[f"{name} {period}"] = row[name]
    columns = [f"mean_{name}" for name in heads[1:]]
    rows = [
        [str(tenth), *(total(means[tenth].get(name), currency) for name in columns)]
        for tenth in sorted(means)
    ]
    words = "Mean money a customer, as the picture shows it. The two should be alike."
    batch = facts.batch
    picture = f"drift_alert_{batch.cutoff}_pred{batch.pred_months}m.png"
    shown = f"![Predicted and actual by tenth, at training and now]({picture})"
    return "\n\n".join(["## Predicted and actual by tenth", words, shown, _table(heads, rows)])


def _features(facts: DriftFacts) -> str:
    warnings = facts.warnings
    shifts = warnings[warnings["indicator"].isin(["feature_shift", "score_shift"])]
    rows = [
        [f"`{row['feature']}`", three_digits(row["value"]), row["level"]]
        for row in shifts.head(MOST_MOVED).to_dict("records")
    ]
    shares = warnings[~warnings["indicator"].isin(["feature_shift", "score_shift"])]
    lines = [f"- {row['reason']} ({row['level']})." for row in shares.to_dict("records")]
    if not rows and not lines:
        return "## Customers scored, against those of the training\n\nNothing is known of them."
    heads = ["feature, most moved first", "stability index", "level"]
    sections = ["## Customers scored, against those of the training"]
    sections += [_table(heads, rows)] if rows else []
    return "\n\n".join([*sections, "\n".join(lines)] if lines else sections)


def _checks(facts: DriftFacts, currency: str) -> str:
    checks = facts.checks.to_dict("records")
    if not checks:
        return "## Is it the data?\n\nNo comparison is possible."
    first = checks[0]
    against = "no earlier period to compare with"
    if isinstance(first["compared_with"], str):
        start, end = _day(first["compared_start"]), _day(first["compared_end"])
        against = f"{first['compared_with']}, {start} to {end}"
    rows = [
        [
            row["check_name"].replace("_", " "),
            *(
                total(row[name], currency)
                if row["check_name"] in MONEY_CHECKS
                else three_digits(row[name])
                for name in ("value", "value_before")
            ),
            f"{row['change']:+.0%}" if is_known(row["change"]) else "",
        ]
        for row in checks
    ]
    return f"## Is it the data?\n\n{_table(['check', 'window', against, 'change'], rows)}"


def _next_steps(facts: DriftFacts) -> str:
    batch = facts.batch
    stem = f"{batch.cutoff}_pred{batch.pred_months}m"
    return "\n".join(
        [
            "## What to do next",
            "",
            "Nothing was retrained: the champion goes on scoring until somebody trains.",
            "",
            "1. Rule out the data: a missing delivery, refused rows, returns booked late.",
            "2. Look at the segment named first; what changed for these customers?",
            "3. If the change is real and lasts: `python orchestrate.py tune` looks for better "
            "windows, `python orchestrate.py train` fits a new champion on the newest data.",
            "",
            f"- [Card of the model](../models/cards/{batch.model_id}.json)",
            f"- [Predictions](clv_predictions_{stem}.csv) and "
            f"[what came of them](clv_predictions_actual_{stem}.csv)",
            f"- [Tiers](clv_ranked_predictions_{stem}.csv), [clusters](clv_clusters_{stem}.csv)",
            "- In the warehouse: `marts.drift_report`, `marts.drift_segments`, "
            "`marts.drift_data_checks`, `marts.early_warnings`",
        ]
    )


def _ranked(facts: DriftFacts) -> list[dict[str, Any]]:
    """Segments that explain the change, best first."""
    ranked = facts.segments[facts.segments["segment_rank"].notna()]
    rows = ranked.sort_values("segment_rank").to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _first_segment(facts: DriftFacts) -> dict[str, Any] | None:
    """The segment that the drift report names."""
    key = [facts.report[name] for name in ("segment_kind", "segment")]
    matching = [row for row in _ranked(facts) if [row["segment_kind"], row["segment"]] == key]
    return matching[0] if matching and is_known(matching[0]["z_against_rest"]) else None


def _tiers(facts: DriftFacts) -> list[str]:
    """The value tiers of the window."""
    segments = facts.segments
    return [str(name) for name in segments.loc[segments["segment_kind"] == "value tier", "segment"]]


def _segment_name(row: dict[str, Any], facts: DriftFacts) -> str:
    """A segment with its kind, as a person says it."""
    return segment_in_words(row["segment_kind"], _cell(row["segment"]), _tiers(facts))


def _others(segment: dict[str, Any], report: dict[str, Any]) -> float | None:
    """Actual over predicted of all customers outside the segment."""
    predicted = report["predicted_total"] - segment["predicted_total"]
    return (report["actual_total"] - segment["actual_total"]) / predicted if predicted > 0 else None


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", "/")


def _day(moment: Any) -> str:
    return str(pd.Timestamp(moment).date())
