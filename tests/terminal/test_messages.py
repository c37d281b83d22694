"""What commands say: each amount of money has its currency and its groups."""

from datetime import date

import pytest

from ml.ledger.reproduce import Baselines, ReproduceAnswer
from ml.life.answers import LoadAnswer, Measurement, NewBatch, RunAnswer, ServingModel, TrainAnswer
from ml.terminal import messages
from ml.trials.compare import CompareAnswer, Difference
from ml.trials.figures import Figures
from ml.trials.tune import Cell, TuneAnswer
from ml.warehouse.left_out import LeftOut
from ml.warehouse.timings import Seconds

DAY = date(2012, 2, 29)
COUNTS = {
    "delivered": 12,
    "forgotten": 0,
    "repeated": 0,
    "accepted": 10,
    "rejected": {"missing customer": 2},
    "customers": 3,
    "first_day": date(2011, 1, 1),
    "newest_day": DAY,
    "lone_day": None,
    "lone_lines": 0,
}
CHAMPION = ServingModel("M", DAY, 6, 3, baseline_rmse=1234.5, baseline_r2=0.25)


def run() -> RunAnswer:
    batch = NewBatch(DAY, 3, 123456.7, 98765.4, 1234567.8, date(2012, 5, 31), [])
    judged = {name: None for name in Measurement.__dataclass_fields__}
    window = Measurement(
        **judged
        | {
            "cutoff": DAY,
            "model_id": "M",
            "revision": 1,
            "pred_months": 3,
            "rmse": 60123.45,
            "baseline_rmse": None,
            "verdict": "ok",
            "reason": "as at training",
        }
    )
    return RunAnswer(
        model_id="M",
        batches=[batch],
        measured=[window],
        exports=[],
        early_warnings=[],
        alerts=[],
        alerts_withdrawn=[],
        deliveries=[],
        report="report.html",
        next_cutoff=DAY,
        seconds=Seconds({}, {}),
        beyond_data=None,
        **COUNTS,
    )


def test_a_run_says_what_is_expected_and_how_far_off_it_was_in_the_currency():
    text = messages.of_run(run(), "EUR")
    assert "expected revenue to 2012-05-31 €123,457 (€98,765 to €1,234,568)" in text
    assert "RMSE €60,123.45 (at training undefined)" in text


def test_a_load_says_what_refused_and_left_out_lines_are_worth():
    files = {"files_loaded": [], "files_removed": [], "files_without_rows": []}
    answer = LoadAnswer(
        **files,
        files_with_same_bytes={},
        reading_notes=[],
        left_out=[LeftOut("status", "test", 4, 4321.0)],
        rejected_money={"missing customer": 1234.5},
        doubts=[],
        beyond_data=None,
        **COUNTS,
    )
    text = messages.of_load(answer, "CHF")
    assert "not counted: 2 row(s), missing customer: worth CHF 1,234.50" in text
    assert "left out: 4 row(s), status is test: worth CHF 4,321.00" in text


def test_an_error_of_a_champion_is_an_amount():
    text = messages.of_train(TrainAnswer("M", True, CHAMPION), "JPY")
    assert "out-of-time RMSE ¥1,234, R2 0.250" in text
    assert messages.of_error(None, "JPY") == "undefined"


def test_tables_of_metrics_name_the_currency_of_those_that_are_money():
    figures = Figures(1234.5, 12.0, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
    differences = [
        Difference("rmse", -1234.5, -2000.0, 10.0, 0.9),
        Difference("d2", 0.01, 0.0, 0.02, 0.9),
    ]
    text = messages.of_compare(
        CompareAnswer(DAY, 3, 100, [], {"M": figures, "N": figures}, differences), "GBP"
    )
    head = text.splitlines()[1].split("  ")
    assert [name for name in map(str.strip, head) if name][:3] == ["rmse GBP", "mae GBP", "r2"]
    assert "1,234.500" in text
    assert "rmse: first less second -£1,234.50 (90 %: -£2,000.00 to £10.00)" in text
    assert "d2: first less second 0.010 (90 %: 0.000 to 0.020)" in text


def test_a_grid_names_the_currency_of_its_error():
    names = {name: 0.5 for name in Cell.__dataclass_fields__}
    cell = Cell(**names | {"history_months": 6, "pred_months": 3, "rmse": 54321.0, "reason": None})
    text = messages.of_tune(TuneAnswer(DAY, [DAY], True, 6, 3, [cell], []), "USD")
    assert text.splitlines()[0].endswith("RMSE USD")
    assert text.splitlines()[1].endswith("54,321.000")


@pytest.mark.parametrize(("digits", "said"), [("54.25", "$54.25"), ("None", "None")])
def test_a_reproduced_error_keeps_every_digit(digits: str, said: str):
    then = Baselines(digits, "0.1")
    fields = {name: None for name in ReproduceAnswer.__dataclass_fields__}
    answer = ReproduceAnswer(
        **fields
        | {
            "model_id": "M",
            "training_cutoff": DAY,
            "code_commit": "c" * 40,
            "equal": True,
            "manifest": then,
            "rebuilt": then,
            "explanations": [],
        }
    )
    assert f"RMSE {said} in the ledger, {said} now" in messages.of_reproduce(answer, "USD")
