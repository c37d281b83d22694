"""A hash of every figure of a home: what a change of the code must not move.

    python bench/figures.py HOME > before.json      # and later, with other code, > after.json

Every mart, every exported file, the report and the docs' facts are hashed. What changes with each
commit is masked first: model ids, commits, hashes of files and rows, and moments of writing.
"""

import csv
import json
import re
import sys
from hashlib import sha256
from pathlib import Path

import duckdb

MODEL_ID = re.compile(r"\d{8}-h\d+p\d+-[0-9a-f]{10}")
# whole, or a commit as the report shortens it
HASH = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|(?=[0-9]*[a-f])[0-9a-f]{10})\b")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+\d\d(?::\d\d)?|Z)?")
# columns of the ledger that say which code wrote a row, and when
OF_THE_CODE = {"code_commit", "code_dirty", "code_diff_sha256", "library_versions", "trained_at"}
SUFFIXES = {".csv", ".md", ".json", ".html"}


def masked(text: str) -> str:
    """The text without model ids, hashes and moments."""
    return MOMENT.sub("MOMENT", HASH.sub("HASH", MODEL_ID.sub("MODEL", text)))


def of_marts(database: Path) -> dict[str, str]:
    """Rows and hash of every table and view in schema marts."""
    found = {}
    with duckdb.connect(database, read_only=True) as con:
        names = con.execute(
            "select table_name from information_schema.tables where table_schema = 'marts'"
            " order by table_name"
        ).fetchall()
        for (name,) in names:
            relation = con.sql(f"select * from marts.{name}")
            kept = [f'"{column}"' for column in relation.columns if column not in OF_THE_CODE]
            rows = con.sql(f"select {', '.join(kept)} from marts.{name}").fetchall()
            lines = sorted(masked(repr(row)) for row in rows)
            found[f"marts.{name}"] = f"{len(rows)} {digest(chr(10).join(lines))}"
    return found


def of_files(home: Path) -> dict[str, str]:
    """Hash of every output and of the config, text masked, pictures as they are."""
    paths = [path for path in (home / "warehouse" / "outputs").rglob("*") if path.is_file()]
    paths += [home / "config" / "model_config.yaml", *_cards(home)]
    return {
        masked(str(path.relative_to(home))): _of_file(path)
        for path in sorted(paths)
        if path.name != "docs.html"  # dbt's page lists the project itself
    }


def _cards(home: Path) -> list[Path]:
    return sorted((home / "warehouse" / "models" / "cards").glob("*.json"))


def _of_file(path: Path) -> str:
    if path.suffix == ".json":
        card = json.loads(path.read_text(encoding="utf-8"))
        kept = {name: value for name, value in card.items() if name not in OF_THE_CODE}
        return digest(masked(json.dumps(kept, sort_keys=True)))
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            return digest("\n".join(masked("\x1f".join(row)) for row in csv.reader(lines)))
    if path.suffix in SUFFIXES | {".yaml"}:
        return digest(masked(path.read_text(encoding="utf-8")))
    return sha256(path.read_bytes()).hexdigest()[:16]


def digest(text: str) -> str:
    """The first 16 digits of the text's sha256."""
    return sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    root = Path(sys.argv[1])
    figures = of_marts(root / "warehouse" / "clv.duckdb") | of_files(root)
    print(json.dumps(figures, indent=1))
