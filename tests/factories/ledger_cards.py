"""Cards of models that were never trained, for tests of the ledger."""

from typing import Any


def ledger_card(model_id: str, **changes: Any) -> dict[str, Any]:
    """A whole card with small values; `changes` replace fields."""
    return {
        "model_id": model_id,
        "kind": "train",
        "timestamp": "2020-01-01T00:00:00+00:00",
        "code_commit": "c" * 40,
        "code_dirty": False,
        "code_diff_sha256": "",
        "training_cutoff": "2019-12-31",
        "history_months": 6,
        "pred_months": 3,
        "hyper_parameters": {"settings": {"history_months": 6, "clusters": {"min": 4, "max": 8}}},
        "data_fingerprint": "a",
        "library_versions": {"numpy": "2.0"},
        "baseline_rmse": 0.1 + 0.2,
        "baseline_r2": 0.5,
        "baselines": {},
        "baseline": {"cutoffs": [], "segments": []},
        "decisions": {
            "serves": "prior",
            "gate": {"reason": "too few cutoffs"},
            "season": {"is_applied": False, "reason": "off"},
            "level": {"factor": 1.0, "weight": 0.0},
            "training_cutoffs": [],
            "prior_cutoffs": [],
        },
        "data_days": {"2019-12-01": "1:1", "2019-12-02": "1:2"},
    } | changes
