"""The ledger of champions. Owns warehouse/models: artefacts, cards, manifest, latest metrics.

The manifest is append-only and hash-chained: every row carries the sha256 of its artefact and
card, of the row before it, and of itself. It is the commit of a training; what a killed training
left beside it is swept by the next command.
"""

import csv
import difflib
import hashlib
import io
import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.home.errors import CallError, EngineError
from ml.home.files import sha256_of, write_atomically
from ml.home.json_text import as_json, plain
from ml.home.layout import Home
from ml.ledger.artefacts import unpacked
from ml.ledger.cards import card_markdown
from ml.ledger.purge_log import was_purged
from ml.warehouse.side_copy import open_warehouse

if TYPE_CHECKING:  # a champion brings XGBoost and scikit-learn along
    from ml.model.champion.artefact import Artefact

FIELDS = (
    "model_id",
    "kind",
    "timestamp",
    "code_commit",
    "code_dirty",
    "code_diff_sha256",
    "training_cutoff",
    "history_months",
    "pred_months",
    "hyper_parameters",
    "data_fingerprint",
    "library_versions",
    "baseline_rmse",
    "baseline_r2",
    "baselines",
    "artefact_sha256",
    "card_sha256",
    "previous_row_sha256",
    "row_sha256",
)
GENESIS = "0" * 64
# kinds of rows: a training or a promotion makes a champion, a challenger is scored beside it
TRAINED, PROMOTED, CHALLENGER = "train", "promote", "challenger"
CROWNING = (TRAINED, PROMOTED)


@dataclass(frozen=True)
class ChampionRow:
    """One row of the manifest: the text of every field, by name."""

    fields: dict[str, str]

    @property
    def model_id(self) -> str:
        return self.fields["model_id"]

    @property
    def kind(self) -> str:
        return self.fields["kind"]

    @property
    def written_at(self) -> datetime:
        """The moment of the row, in UTC."""
        return datetime.fromisoformat(self.fields["timestamp"]).astimezone(UTC)

    @property
    def written_on(self) -> date:
        """The day of the row, in UTC."""
        return self.written_at.date()

    @property
    def training_cutoff(self) -> date:
        return date.fromisoformat(self.fields["training_cutoff"])

    def baseline(self, metric: str) -> float | None:
        """Out-of-time "rmse" or "r2" of the training, None where it is undefined."""
        text = self.fields[f"baseline_{metric}"]
        return float(text) if text else None

    @property
    def history_months(self) -> int:
        return int(self.fields["history_months"])

    @property
    def pred_months(self) -> int:
        return int(self.fields["pred_months"])


def manifest_path(home: Home) -> Path:
    return home.models / "champion_manifest.csv"


def artefact_path(home: Home, model_id: str) -> Path:
    return home.models / f"clv_model_{model_id}.joblib"


def card_path(home: Home, model_id: str) -> Path:
    return home.models / "cards" / f"{model_id}.json"


def metrics_path(home: Home) -> Path:
    return home.models / "clv_model_latest.metrics.json"


def read_manifest(home: Home) -> list[ChampionRow]:
    """All champions, oldest first; empty before the first training.

    Raises EngineError naming the first row whose hash, or link to the row before, is broken.
    """
    path = manifest_path(home)
    if not path.exists():
        return []
    name = home.relative(path)
    try:
        text = path.read_bytes().decode("utf-8")
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise EngineError(
            f"{name}: cannot be read as CSV ({error})", "restore it from a backup"
        ) from None
    if not records or tuple(records[0]) != FIELDS:
        raise EngineError(f"{name}: row 0 (header) is broken", "restore it from a backup")
    rows, previous = [], GENESIS
    for number, record in enumerate(records[1:], start=1):
        row = ChampionRow(dict(zip(FIELDS, record, strict=False)))
        chained = (
            len(record) == len(FIELDS)
            and row.fields["previous_row_sha256"] == previous
            and row.fields["row_sha256"] == _row_sha256(row.fields)
        )
        if not chained:
            raise EngineError(
                f"{name}: row {number} ({record[0] if record else ''}) was changed or a row before "
                f"it removed",
                "restore the file from a backup",
            )
        rows.append(row)
        previous = row.fields["row_sha256"]
    if text != _as_csv(rows):
        raise EngineError(f"{name}: its bytes were changed", "restore the file from a backup")
    return rows


def champion(home: Home) -> ChampionRow:
    """The newest row that made a champion. Raises EngineError before the first training."""
    rows = [row for row in read_manifest(home) if row.kind in CROWNING]
    if not rows:
        raise EngineError(
            f"no champion yet in {home.relative(manifest_path(home))}",
            "run `python orchestrate.py train`",
        )
    return rows[-1]


def models_in_use(rows: list[ChampionRow]) -> set[str]:
    """The champion, and the newest challenger entered since it became that."""
    crowned = [number for number, row in enumerate(rows) if row.kind in CROWNING]
    if not crowned:
        return {row.model_id for row in rows}
    challengers = [row.model_id for row in rows[crowned[-1] :] if row.kind == CHALLENGER]
    return {rows[crowned[-1]].model_id, *challengers[-1:]}


def verified_champion(home: Home) -> ChampionRow:
    """The champion's row, after its card and artefact were compared with the manifest."""
    row = champion(home)
    check_card(home, row)
    _artefact(home, row)
    return row


def load_artefact(home: Home, model_id: str) -> "Artefact":
    """The artefact of a model, opened only after its sha256 matched the manifest."""
    return unpacked(_artefact(home, model_row(home, model_id)))


def _artefact(home: Home, row: ChampionRow) -> bytes:
    """Bytes of the artefact of `row`.

    Raises EngineError when the file is missing or is not the one the manifest names.
    """
    path = artefact_path(home, row.model_id)
    name = home.relative(path)
    if not path.exists():
        raise EngineError(
            f"{name}: missing", f"`python orchestrate.py reproduce {row.model_id}` rebuilds it"
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != row.fields["artefact_sha256"]:
        raise EngineError(
            f"{name}: its sha256 is not the one in the manifest, it was not opened", "restore it"
        )
    return content


def check_card(home: Home, row: ChampionRow) -> None:
    """Raises EngineError when the card of `row` was changed, or is missing and was not purged."""
    path, expected = card_path(home, row.model_id), row.fields["card_sha256"]
    intact = sha256_of(path) == expected if path.exists() else was_purged(home, path, expected)
    if not intact:
        raise EngineError(
            f"{home.relative(path)}: missing or changed since the manifest row {row.model_id} "
            f"was written",
            "restore it from a backup",
        )


def check_cards(home: Home) -> None:
    """Raises EngineError naming the first row of the manifest, or card, that was changed."""
    for row in read_manifest(home):
        check_card(home, row)


def check_ledger(home: Home) -> list[ChampionRow]:
    """All rows, after manifest, cards and artefacts were compared with their hashes.

    Raises EngineError naming the first that was changed, or is missing and was not purged.
    """
    rows = read_manifest(home)
    _require_all(home, rows)
    for row in rows:
        check_card(home, row)
        check_artefact(home, row)
    return rows


def _require_all(home: Home, rows: list[ChampionRow]) -> None:
    """Raises EngineError when the warehouse knows rows of the ledger that `rows` do not begin with.

    The chain of hashes finds every change except a missing end.
    """
    with open_warehouse(home) as con:
        there = con.execute(
            "select 1 from information_schema.columns where table_schema = 'marts'"
            " and table_name = 'champion_manifest' and column_name = 'row_sha256'"
        ).fetchone()
        query = "select row_sha256 from marts.champion_manifest order by ledger_row"
        known = [hashed for (hashed,) in con.execute(query).fetchall()] if there else []
    held = [row.fields["row_sha256"] for row in rows]
    if held[: len(known)] != known:
        raise EngineError(
            f"{home.relative(manifest_path(home))}: {len(rows)} row(s), the warehouse knows "
            f"{len(known)}, not all of them are here",
            "nothing was changed, restore the file from a backup",
        )


def check_artefact(home: Home, row: ChampionRow) -> None:
    """Raises EngineError when the artefact was changed, or is missing and was not purged."""
    path, expected = artefact_path(home, row.model_id), row.fields["artefact_sha256"]
    if path.exists() or not was_purged(home, path, expected):
        _artefact(home, row)


def add_model(home: Home, card: dict[str, Any], artefact: bytes) -> None:
    """Write artefact, card and, last, the manifest row of the card's kind."""
    card_bytes = (as_json(card, indent=2) + "\n").encode()
    fields = {name: _text(card.get(name)) for name in FIELDS}
    fields["artefact_sha256"] = hashlib.sha256(artefact).hexdigest()
    fields["card_sha256"] = hashlib.sha256(card_bytes).hexdigest()
    write_atomically(artefact_path(home, card["model_id"]), artefact)
    write_atomically(card_path(home, card["model_id"]), card_bytes)
    _append(home, fields)


def promote(home: Home, model_id: str) -> bool:
    """Make a model of the ledger the champion by a new row; False when it is already.

    Raises CallError for a model the ledger does not know, EngineError when its artefact or card
    is not the one that was entered.
    """
    row = model_row(home, model_id)
    check_card(home, row)
    _artefact(home, row)
    if champion(home).model_id == model_id:
        return False
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _append(home, row.fields | {"kind": PROMOTED, "timestamp": now})
    return True


def model_row(home: Home, model_id: str) -> ChampionRow:
    """The first row of a model. Raises CallError naming the nearest known id."""
    rows = {row.model_id: row for row in reversed(read_manifest(home))}
    if model_id not in rows:
        near = difflib.get_close_matches(model_id, rows, 1, cutoff=0.3)
        known = (
            "`status` names the champion" if rows else "the ledger is empty: `train` comes first"
        )
        remedy = f"did you mean {near[0]}?" if near else known
        raise CallError(f"no model {model_id!r} in {home.relative(manifest_path(home))}", remedy)
    return rows[model_id]


def _append(home: Home, fields: dict[str, str]) -> None:
    rows = read_manifest(home)
    fields = fields | {"previous_row_sha256": rows[-1].fields["row_sha256"] if rows else GENESIS}
    fields["row_sha256"] = _row_sha256(fields)
    content = _as_csv([*rows, ChampionRow(fields)]).encode()
    write_atomically(manifest_path(home), content)
    heal(home)


def heal(home: Home) -> None:
    """Make the files that follow from the manifest again after a kill.

    Artefacts and cards without a row are removed, cards get their page for people, the latest
    metrics follow the newest row. Raises EngineError, before anything is removed, when rows that
    the warehouse knows are missing.
    """
    rows = read_manifest(home)
    _require_all(home, rows)
    known = {row.model_id for row in rows}
    for path in home.models.glob("clv_model_*.joblib"):
        if path.stem.removeprefix("clv_model_") not in known:
            path.unlink()
    for path in (home.models / "cards").glob("*.*"):
        if path.stem not in known:
            path.unlink()
        elif path.suffix == ".json" and not path.with_suffix(".md").exists():
            card = json.loads(path.read_text(encoding="utf-8"))
            write_atomically(path.with_suffix(".md"), card_markdown(card).encode())
    crowned = [row for row in rows if row.kind in CROWNING]
    if crowned:
        newest = crowned[-1]
        baseline = {
            "model_id": newest.model_id,
            "training_cutoff": newest.fields["training_cutoff"],
            "history_months": newest.history_months,
            "pred_months": newest.pred_months,
            "rmse": newest.baseline("rmse"),
            "r2": newest.baseline("r2"),
        }
        _write_when_other(metrics_path(home), as_json(baseline, indent=2) + "\n")


def _write_when_other(path: Path, text: str) -> None:
    content = text.encode()
    if not path.exists() or path.read_bytes() != content:
        write_atomically(path, content)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict | list):
        return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def _row_sha256(fields: dict[str, str]) -> str:
    chained = [fields.get(name, "") for name in FIELDS if name != "row_sha256"]
    return hashlib.sha256(json.dumps(chained, ensure_ascii=False).encode()).hexdigest()


def _as_csv(rows: list[ChampionRow]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([row.fields[name] for name in FIELDS] for row in rows)
    return text.getvalue()
