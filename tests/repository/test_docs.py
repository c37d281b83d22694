"""The documents are whole and true: every part described, every link alive, every query answers."""

import re
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
import yaml
from conftest import PROJECT, REPOSITORY, SECOND_CUTOFF, EngineHome

from ml.report.dbt_docs import readable

DOCUMENTS = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
    PROJECT / "docs" / "overview.md",
]
ANALYSES = sorted((PROJECT / "analyses").glob("*.sql"))
MACRO_FILES = [
    *sorted((PROJECT / "macros").rglob("*.sql")),
    *sorted((PROJECT / "tests").rglob("*.sql")),
]
SINGULAR_TESTS = sorted((PROJECT / "tests").glob("*.sql"))
SEMANTIC = PROJECT / "models" / "semantic"


def name_of(path: Path) -> str:
    return path.stem


def yml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def every_yml(key: str) -> list[dict[str, Any]]:
    """Entries under a key of all yml files of the project."""
    return [
        entry
        for folder in ("models", "macros", "tests", "analyses")
        for path in sorted((PROJECT / folder).rglob("*.yml"))
        for entry in (yml(path) or {}).get(key) or []
        if isinstance(entry, dict)
    ]


def macros() -> dict[str, list[str]]:
    """Arguments of every macro and generic test, by dbt's name."""
    found = {}
    for path in MACRO_FILES:
        text = path.read_text(encoding="utf-8")
        for kind, name, given in re.findall(r"{% (macro|test) (\w+)\((.*?)\) -?%}", text, re.S):
            arguments = [part.split("=")[0].strip() for part in given.split(",") if part.strip()]
            found[f"test_{name}" if kind == "test" else name] = arguments
    return found


# Coverage


def test_every_macro_and_its_arguments_are_described_in_their_order():
    described = {
        entry["name"]: [argument["name"] for argument in entry.get("arguments", [])]
        for entry in every_yml("macros")
    }
    assert described == macros()


def test_no_description_of_a_macro_an_argument_or_a_test_is_empty():
    entries = [*every_yml("macros"), *every_yml("data_tests")]
    entries += [argument for entry in entries for argument in entry.get("arguments", [])]
    assert [entry["name"] for entry in entries if not entry["description"].strip()] == []


def test_every_singular_test_is_described():
    described = {entry["name"] for entry in every_yml("data_tests")}
    assert described == {path.stem for path in SINGULAR_TESTS}


def test_every_analysis_is_described_and_no_other():
    described = {entry["name"] for entry in every_yml("analyses") if entry["description"].strip()}
    assert described == {path.stem for path in ANALYSES}


def test_every_exposure_says_what_it_is_and_what_it_reads():
    exposures = every_yml("exposures")
    assert exposures
    assert all(entry["description"].strip() and entry["depends_on"] for entry in exposures)


def test_every_column_of_a_source_is_described():
    tables = [table for source in every_yml("sources") for table in source["tables"]]
    assert tables
    silent = [
        f"{table['name']}.{column['name']}"
        for table in tables
        for column in table["columns"]
        if not column["description"].strip()
    ]
    assert silent == []


def test_a_description_that_two_models_share_is_written_once():
    places: dict[tuple[str, str], list[str]] = {}
    for model in every_yml("models"):
        for column in model["columns"]:
            if "doc(" not in column["description"]:
                key = (column["name"], column["description"])
                places.setdefault(key, []).append(model["name"])
    assert {key: models for key, models in places.items() if len(models) > 1} == {}


def test_every_docs_block_is_used():
    blocks = re.findall(
        r"{% docs (\w+) %}", (PROJECT / "docs" / "columns.md").read_text(encoding="utf-8")
    )
    used = {
        name
        for path in (PROJECT / "models").rglob("*.yml")
        for name in re.findall(r"doc\('(\w+)'\)", path.read_text(encoding="utf-8"))
    }
    assert len(set(blocks)) == len(blocks)
    assert set(blocks) == used


def test_the_landing_page_says_how_to_read_every_mart():
    page = (PROJECT / "docs" / "overview.md").read_text(encoding="utf-8")
    marts = {path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")}
    assert set(re.findall(r"^\| [^|]+ \| `(\w+)` \| [^|]+ \|$", page, flags=re.MULTILINE)) >= marts


# Links


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(document: Path):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    broken = [link for link in links if not (document.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(document: Path):
    """Names with a place (`docs/spark.md`) from the root; the home's own are made at work."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:ml|tests|docs|config|schedule|dbt_project)/[\w./-]*\w)`", text)
    missing = [name for name in named if not (REPOSITORY / name).exists()]
    assert [name for name in missing if "NAME" not in name] == []


def test_the_tables_of_the_architecture_name_files_that_exist():
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    known = {path.name for path in REPOSITORY.glob("tests/**/*.py")}
    known |= {path.name for path in PROJECT.rglob("*.*")}
    named = re.findall(r"\b(test_\w+\.py|[a-z]\w+\.sql|[a-z]\w+\.yml)\b", text)
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(document: Path):
    files = {path.name: path for path in REPOSITORY.glob("tests/**/test_*.py")}
    named = re.findall(r"\b(test_\w+\.py)(?:::(test_\w+))?", document.read_text(encoding="utf-8"))
    missing = [
        (file, name)
        for file, name in named
        if file not in files or f"def {name}" not in files[file].read_text(encoding="utf-8")
    ]
    assert missing == []


# Decisions, and the way to contribute


def decisions() -> list[tuple[str, str]]:
    """Heading and text of every decision."""
    text = (REPOSITORY / "DECISIONS.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")[1:]
    return [(heading, said) for heading, _, said in (one.partition("\n") for one in sections)]


def test_decisions_are_questions_numbered_without_a_gap():
    headings = [heading for heading, _ in decisions()]
    assert [heading.split(". ")[0] for heading in headings] == [
        str(number) for number in range(1, len(headings) + 1)
    ]
    assert [heading for heading in headings if not heading.endswith("?")] == []


def test_every_decision_has_a_date_and_the_newest_is_last():
    found = [re.match(r"\*Decided (\d{4}-\d\d-\d\d)", text) for _, text in decisions()]
    days = [match[1] if match else "missing" for match in found]
    assert "missing" not in days
    assert days == sorted(days)


@pytest.mark.parametrize("decision", decisions(), ids=lambda decision: decision[0][:40])
def test_a_decision_gives_its_reasons_and_says_what_would_reverse_it(decision: tuple[str, str]):
    paragraphs = decision[1].strip().split("\n\n")
    assert len(paragraphs) >= 3
    assert re.match(r"\*\*Reverse it when\*\* [\w`].{10,}\.$", paragraphs[-1], flags=re.DOTALL)


def test_files_in_the_calls_of_contributing_exist():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", text, flags=re.DOTALL)
    named = re.findall(r"\b(?:tests|bench|docs|ml)/[\w/]+\.\w+", "".join(blocks))
    assert named
    assert [name for name in named if not (REPOSITORY / name).exists()] == []


# Queries and metrics


def as_sql(path: Path) -> str:
    """An analysis as dbt compiles it, over the marts of a home."""
    source = (PROJECT / "macros" / "newest_batch.sql").read_text(encoding="utf-8")
    template = jinja2.Environment().from_string(source + path.read_text(encoding="utf-8"))
    return template.render(ref=lambda model: f"marts.{model}")


@pytest.mark.parametrize("analysis", ANALYSES, ids=name_of)
def test_an_analysis_reads_marts_alone_and_finds_rows(analysis: Path, rescored_home: EngineHome):
    marts = {path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")}
    read = re.findall(r"ref\('(\w+)'\)", analysis.read_text(encoding="utf-8"))
    assert set(read) <= marts
    assert rescored_home.rows(as_sql(analysis))


@pytest.mark.parametrize("analysis", ANALYSES, ids=name_of)
def test_an_analysis_says_what_it_asks_and_has_no_day_of_its_own(analysis: Path):
    sql = analysis.read_text(encoding="utf-8")
    assert sql.startswith("-- ")
    assert not re.search(r"'\d{4}-\d{2}-\d{2}|current_date|now\(", sql)


def test_a_scored_batch_counts_once_however_often_its_cutoff_was_scored(
    rescored_home: EngineHome, tmp_path: Path
):
    """A second champion that scored the newest cutoff takes its place in the queries."""
    copy = rescored_home.copy(tmp_path / "home")
    second = "insert into marts.{0} select * replace ('second' as model_id, {1}) from marts.{0}"
    with duckdb.connect(copy.database) as con:
        con.execute(second.format("champion_manifest", "ledger_row + 1 as ledger_row"))
        con.execute(second.format("clv_batches", "customers + 1 as customers"))
    source = (PROJECT / "macros" / "newest_batch.sql").read_text(encoding="utf-8")
    template = jinja2.Environment().from_string(source + "{{ champion_batch() }}")
    ((cutoff, model_id),) = copy.rows(f"from {template.render(ref=lambda name: f'marts.{name}')}")
    assert (cutoff, model_id) == (SECOND_CUTOFF, "second")


def queries_of_descriptions() -> list[Any]:
    """Every query in the description of a mart, with the name of the mart."""
    return [
        pytest.param(model["name"], query, id=model["name"])
        for path in sorted((PROJECT / "models" / "marts").rglob("*.yml"))
        for model in (yml(path) or {}).get("models") or []
        for query in re.findall(r"```sql\n(.*?)```", model["description"], flags=re.DOTALL)
    ]


def test_every_mart_has_a_query_in_its_description():
    marts = {path.stem for path in (PROJECT / "models" / "marts").rglob("*.sql")}
    assert {parameters.id for parameters in queries_of_descriptions()} == marts


@pytest.mark.parametrize(("mart", "query"), queries_of_descriptions())
def test_the_query_in_the_description_of_a_mart_reads_it(
    mart: str, query: str, rescored_home: EngineHome
):
    assert f"marts.{mart}\n" in query
    rows = rescored_home.rows(query)
    # nothing may be wrong with the data, and no window may need a look
    assert rows or mart in ("data_doubts", "drift_data_checks", "early_warnings")


def measures() -> list[Any]:
    """Every measure of the semantic models, with the mart it is over."""
    return [
        pytest.param(model["model"].split("'")[1], measure, id=measure["name"])
        for model in yml(SEMANTIC / "semantic_models.yml")["semantic_models"]
        for measure in model.get("measures", [])
    ]


@pytest.mark.parametrize(("mart", "measure"), measures())
def test_a_measure_is_a_number_in_the_newest_batch(
    mart: str, measure: dict[str, Any], rescored_home: EngineHome
):
    newest = f"cutoff = (select max(cutoff) from marts.{mart})"
    ((value,),) = rescored_home.rows(
        f"select {measure['agg']}({measure['expr']}) from marts.{mart} where {newest}"
    )
    assert value is not None and float(value) >= 0


def test_measures_of_batches_are_never_added_up_over_cutoffs():
    over = {
        measure["name"]: measure.get("non_additive_dimension", {}).get("window_choice")
        for model in yml(SEMANTIC / "semantic_models.yml")["semantic_models"]
        for measure in model.get("measures", [])
        if model["name"] != "measured_windows"
    }
    assert set(over.values()) == {"max"}


def test_every_metric_and_measure_is_described():
    models = yml(SEMANTIC / "semantic_models.yml")["semantic_models"]
    entries = [*yml(SEMANTIC / "metrics.yml")["metrics"], *models]
    entries += [measure for model in models for measure in model.get("measures", [])]
    entries += [dimension for model in models for dimension in model["dimensions"]]
    silent = [entry["name"] for entry in entries if not entry.get("description", "").strip()]
    assert silent == []


def test_the_best_tenth_of_the_metrics_is_the_ceiling_of_a_tenth(rescored_home: EngineHome):
    rows = rescored_home.rows(
        "select count(*) filter (where clv_percentile > 90), ceil(count(*) / 10)"
        " from marts.clv_ranked_predictions group by cutoff, model_id"
    )
    assert rows and all(found == wanted for found, wanted in rows)


# The page


def test_the_page_has_the_name_of_the_engine_and_a_style_for_phones():
    page = readable("<head><title>dbt Docs</title></head>")
    assert page.count("<title>") == 1
    assert "<title>House-Ware CLV Engine</title>" in page
    assert "@media (max-width: 800px)" in page


def test_a_page_of_another_form_is_refused():
    with pytest.raises(ValueError, match="no title"):
        readable("<html></html>")
