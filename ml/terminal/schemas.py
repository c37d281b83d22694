"""The JSON schema of what each command prints under `--json`: it follows from the dataclasses.

`python -m ml.terminal.schemas docs/schemas` writes a file for each command, and one for --version
and for errors. Every key is always there, and no other.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ml.delivery.init import InitAnswer
from ml.forgetting.forget import ForgetAnswer
from ml.health.doctor import DoctorAnswer
from ml.ledger.provenance import EngineVersion
from ml.ledger.reproduce import ReproduceAnswer
from ml.ledger.retention import PurgeAnswer
from ml.life.answers import (
    DocsAnswer,
    LoadAnswer,
    PromoteAnswer,
    RunAnswer,
    StatusAnswer,
    TrainAnswer,
)
from ml.report.answers import ExplainAnswer, ReportAnswer
from ml.terminal.failures import FailedCommand
from ml.trials.backtest import BacktestAnswer
from ml.trials.compare import CompareAnswer
from ml.trials.tune import TuneAnswer

ANSWERS = {
    "init": InitAnswer,
    "load": LoadAnswer,
    "train": TrainAnswer,
    "promote": PromoteAnswer,
    "run": RunAnswer,
    "compare": CompareAnswer,
    "tune": TuneAnswer,
    "backtest": BacktestAnswer,
    "status": StatusAnswer,
    "explain": ExplainAnswer,
    "reproduce": ReproduceAnswer,
    "purge": PurgeAnswer,
    "forget": ForgetAnswer,
    "doctor": DoctorAnswer,
    "report": ReportAnswer,
    "docs": DocsAnswer,
    "version": EngineVersion,
    "error": FailedCommand,
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(name: str) -> dict[str, Any]:
    """The schema of a command's JSON, or of "version" or "error"."""
    schema = TypeAdapter(ANSWERS[name]).json_schema(mode="serialization")
    return {"$schema": DIALECT} | _strict(schema)


def _strict(node: Any) -> Any:
    """The same schema in which an object has exactly its keys; titles of single keys left out."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    left_out = set() if "properties" in node else {"title"}
    inner = {
        key: _strict(value)
        for key, value in node.items()
        if key not in left_out or not isinstance(value, str)
    }
    if "properties" in node:
        inner |= {"required": list(node["properties"]), "additionalProperties": False}
    return inner


def write_schemas(folder: Path) -> None:
    """One file <name>.json for each of ANSWERS; files of what is no command any more go."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in ANSWERS:
            path.unlink()
    for name in ANSWERS:
        text = json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
