"""The model card for people: Markdown made from the card of a model, word for word repeatable."""

from typing import Any

from ml.home.number_text import NOTHING, by_size, three_digits
from ml.home.segment_text import tier_with_range
from ml.model.forecast.cluster_vocabulary import SAID

LIMITS = """\
- Customers without a purchase in the history window are not scored.
- A prediction is not a cause: it does not say what a campaign would change.
- Label windows of neighbouring cutoffs overlap; their predictions must not be added up.
- A change of prices, range or season that the log has not seen is not foreseen.
- The largest customers carry most of the squared error: RMSE and R2 of one window are noisy."""
METRICS = (
    ("rmse", "RMSE"),
    ("mae", "MAE"),
    ("r2", "R2"),
    ("d2", "D2 (Tweedie 1.5)"),
    ("normalised_gini", "normalised Gini"),
    ("top_decile_share", "revenue share of the predicted best tenth"),
    ("bias", "bias (predicted / actual - 1)"),
)


def card_markdown(card: dict[str, Any]) -> str:
    """Intended use, data, out-of-time figures by segment, decisions and limits of one model."""
    sections = [
        f"# Model card {card['model_id']}",
        _use(card),
        _data(card),
        _accuracy(card),
        _segments(card["baseline"].get("segments", [])),
        _kinds_of_buyers(card.get("clusters", {}).get("words", {})),
        _decisions(card["decisions"]),
        f"## Limits\n{LIMITS}",
        _origin(card),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _use(card: dict[str, Any]) -> str:
    return (
        "## Intended use\n"
        f"Net revenue of each customer in the {card['pred_months']} months after a cutoff, from "
        f"{card['history_months']} months of purchases up to it; for ranking and budgeting, by "
        "people who know the limits below."
    )


def _data(card: dict[str, Any]) -> str:
    days = sorted(card["data_days"])
    span = f"{days[0]} to {days[-1]}, {len(days):,} days with activity" if days else "none"
    return (
        "## Data\n"
        f"Customer days from {span}. Training cutoff {card['training_cutoff']}; windows of "
        f"{card['history_months']} + {card['pred_months']} months. "
        f"Fingerprint `{card['data_fingerprint']}`."
    )


def _accuracy(card: dict[str, Any]) -> str:
    """The recipe beside its rivals, at cutoffs whose windows no training had seen."""
    forecasts = {"this recipe": card["baseline"]} | card["baselines"]
    lines = [
        "## Out-of-time accuracy",
        f"Trainings replayed at {', '.join(card['baseline']['cutoffs']) or 'no cutoff'}, each held "
        "against the window that followed.",
        "",
        "| | " + " | ".join(forecasts) + " |",
        "|---|" + "---|" * len(forecasts),
    ]
    for name, words in METRICS:
        values = " | ".join(by_size(figures.get(name)) for figures in forecasts.values())
        lines.append(f"| {words} | {values} |")
    for rival, figures in card["baselines"].items():
        if figures.get("champion_d2_difference") is not None:
            lines.append(
                f"\nD2 less that of {rival}: {by_size(figures['champion_d2_difference'])} (90 %: "
                f"{by_size(figures['champion_d2_difference_low'])} to "
                f"{by_size(figures['champion_d2_difference_high'])})"
            )
    return "\n".join(lines)


def _segments(segments: list[dict[str, Any]]) -> str:
    if not segments:
        return ""
    lines = [
        "## Accuracy by kind of customer",
        "At the newest of these cutoffs.",
        "",
        "| | | customers | mean predicted | mean actual | MAE |",
        "|---|---|---|---|---|---|",
    ]
    tiers = [row["segment"] for row in segments]
    lines += [
        f"| {row['kind']} | {tier_with_range(row['segment'], tiers)} | {row['customers']:,} | "
        + " | ".join(by_size(row[name]) for name in ("mean_predicted", "mean_actual", "mae"))
        + " |"
        for row in segments
    ]
    return "\n".join(lines)


def _kinds_of_buyers(clusters: dict[str, list[dict[str, Any]]]) -> str:
    """The words of each cluster's name with the figures behind them; earlier cards have none."""
    if not clusters:
        return ""
    lines = [
        "## Kinds of buyers",
        "Medians of the customers of the training cutoff: of the kind, and of all.",
        "",
        "| kind of buyer | word | what it says | here | all customers |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {one['word'].lower()} | {SAID.get(one['column'], 'no figure')} | "
        + " | ".join(_figure(one["column"], one[side]) for side in ("median", "overall"))
        + " |"
        for name, words in clusters.items()
        for one in words
    ]
    return "\n".join(lines)


def _figure(column: str, value: float) -> str:
    """A median in the unit of its column, a share in per cent."""
    if not column:
        return NOTHING
    return f"{value:.0%}" if column.endswith("_share") else three_digits(value)


def _decisions(decisions: dict[str, Any]) -> str:
    season = decisions["season"]
    return "\n".join(
        [
            "## Decisions of the training",
            f"- serves: {decisions['serves']}; {decisions['gate']['reason']}",
            f"- season: {'applied' if season['is_applied'] else 'not applied'}; {season['reason']}",
            f"- level: factor {by_size(decisions['level']['factor'])} on the total, believed with "
            f"weight {by_size(decisions['level']['weight'])}",
            f"- training cutoffs: {len(decisions['training_cutoffs'])} for the trees, "
            f"{len(decisions['prior_cutoffs'])} for the mix",
        ]
    )


def _origin(card: dict[str, Any]) -> str:
    dirty = " with uncommitted changes" if card["code_dirty"] else ""
    libraries = ", ".join(f"{name} {number}" for name, number in card["library_versions"].items())
    return (
        f"## Origin\nMade {card['timestamp']} as {card['kind']} by commit `{card['code_commit']}`"
        f"{dirty}. {libraries}. All hyper-parameters stand in the JSON card beside this page."
    )
