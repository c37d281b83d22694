"""What the documents tell a user to type works: commands, queries, keys, messages, exit codes."""

import ast
import math
import re
import shlex
import subprocess
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from conftest import CUTOFF, REPOSITORY, EngineHome, environment, transaction_log
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

import orchestrate
from ml.home import errors
from ml.home.config import Columns, Config

DOCS = REPOSITORY / "docs"
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS, CONFIG, MARTS, OPERATION, YOUR_DATA = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for name in ("commands", "config", "marts", "operation", "your_data")
)
MANUAL = "".join([README, COMMANDS, CONFIG, MARTS, OPERATION, YOUR_DATA])
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
FIRST_SCREEN = README.split("\n## ", 1)[0]
GROUP = typer.main.get_command(orchestrate.app)
# what stands for something a user puts in, and a value of its kind
PLACEHOLDERS = {
    "MODEL_ID": "20111231-h6p3-0123456789",
    "CUSTOMER_ID": "C0001",
    "DIR": "home",
    "A": "20111231-h6p3-0123456789",
    "B": "20111231-h6p3-0123456789",
    "D": "2011-12-31",
    "H": "9",
    "P": "6",
}


def tables(text: str) -> list[list[list[str]]]:
    """Cells of every table of a text, row by row, the row of names first."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE)
    cells = [
        [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in one.splitlines()]
        for one in found
    ]
    return [[rows[0], *rows[2:]] for rows in cells]


def table(document: str, heading: str) -> list[list[str]]:
    """Cells of the first table after a heading of a document, without the row of names."""
    section = document.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return tables(section)[0][1:]


def blocks(language: str) -> list[str]:
    """Fenced blocks of a language in the README and the manual."""
    return re.findall(rf"```{language}\n(.*?)```", MANUAL, flags=re.DOTALL)


def commands() -> dict[str, TyperCommand]:
    """Commands of the command line, by name."""
    assert isinstance(GROUP, TyperGroup)
    return dict(GROUP.commands)  # type: ignore[arg-type]


def usage_rows() -> dict[str, str]:
    """What stands in the first column of the table of commands, by command."""
    usages = [row[0].strip("`") for row in table(COMMANDS, "Commands")]
    return {usage.split()[0]: usage for usage in usages}


def options_of(command: TyperCommand | TyperGroup) -> set[str]:
    return {
        max(parameter.opts, key=len)
        for parameter in command.params
        if isinstance(parameter, TyperOption)
    } - {"--help"}


def arguments_of(command: TyperCommand) -> list[str]:
    return [p.name.upper() for p in command.params if isinstance(p, TyperArgument) and p.name]


# Commands


def test_the_table_of_commands_lists_every_command_and_no_other():
    assert set(usage_rows()) == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_a_row_of_the_table_names_every_option_and_argument_of_its_command(name: str):
    usage = usage_rows()[name]
    assert set(re.findall(r"--[a-z-]+", usage)) == options_of(commands()[name])
    named = re.sub(r"\[.*?\]|--[a-z-]+ \w+", "", usage).split()[1:]
    assert len([word for word in named if word.isupper()]) == len(arguments_of(commands()[name]))


def test_the_usage_line_names_every_option_that_stands_before_the_command():
    (usage,) = re.findall(r"`python orchestrate\.py (.*) COMMAND`", COMMANDS)
    assert set(re.findall(r"--[a-z-]+", usage)) == options_of(GROUP)


def calls(text: str) -> list[str]:
    """Calls of the command line in a document: in code blocks, in `code`, in the crontab line."""
    code = re.findall(r"```\w*\n(.*?)```|`([^`\n]+)`", text, flags=re.DOTALL)
    lines = [line for pair in code for part in pair for line in part.splitlines()]
    found = [re.search(r"orchestrate\.py (.*)", line) for line in lines]
    return [match[1] for match in found if match and "COMMAND" not in match[1]]


CALLS = [
    pytest.param(call, id=f"{document.name}: {call}"[:70])
    for document in DOCUMENTS
    for call in calls(document.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("call", CALLS)
def test_a_call_in_a_document_is_one_the_command_line_takes(call: str):
    call = re.sub(r"<training_cutoff>|<a month end>", PLACEHOLDERS["D"], call)
    words = [
        PLACEHOLDERS.get(word, word) for word in shlex.split(call.split(">>")[0], comments=True)
    ]
    # everything up to the command belongs to the group, the rest to the command itself
    place = next(number for number, word in enumerate(words) if word in commands())
    context = GROUP.make_context("orchestrate.py", words[: place + 1])
    commands()[words[place]].make_context(words[place], words[place + 1 :], parent=context)


@pytest.fixture(scope="module")
def home(scored_home: EngineHome, tmp_path_factory: pytest.TempPathFactory) -> EngineHome:
    """A home that the commands of the manual work in."""
    return scored_home.copy(tmp_path_factory.mktemp("readme") / "home")


@pytest.mark.parametrize("call", ["status", "load", "run", "purge --dry-run"])
def test_commands_that_ask_for_nothing_end_well_on_a_scored_home(home: EngineHome, call: str):
    assert call.split()[0] in usage_rows()
    assert home.call(*call.split()).result


def test_the_make_targets_exist_and_are_the_ones_of_help():
    shown = subprocess.run(
        ["make", "help"], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    targets = {line.split()[0] for line in shown.stdout.splitlines()}
    named = set(re.findall(r"\bmake ([a-z-]+)\b", "".join(blocks("bash")) + "make help"))
    named |= {
        name
        for document in DOCUMENTS
        for name in re.findall(r"`make ([a-z-]+)`", document.read_text(encoding="utf-8"))
    }
    assert {"demo", "test"} <= named <= targets | {"help"}
    for target in sorted(named):
        subprocess.run(["make", "-n", target], capture_output=True, cwd=REPOSITORY, check=True)


def test_every_bash_block_is_either_make_or_runs_here(home: EngineHome):
    for block in blocks("bash"):
        if block in FIRST_SCREEN:  # runs in a test of its own, below
            continue
        lines = [line.split("#")[0].strip() for line in block.splitlines()]
        if all(line.startswith("make ") for line in lines if line):
            continue
        assert "warehouse/demo" in block and "1998-03-31" in block
        script = block.replace("$PWD/warehouse/demo", shlex.quote(str(home.root)))
        script = script.replace("../.venv/bin/dbt", str(Path(sys.executable).parent / "dbt"))
        target = shlex.quote(str(home.root.parent / "target"))
        done = subprocess.run(
            ["bash", "-ec", script.replace("1998-03-31", CUTOFF.isoformat())],
            capture_output=True,
            text=True,
            cwd=REPOSITORY,
            env=environment(DBT_TARGET_PATH=target, DBT_LOG_PATH=target, DO_NOT_TRACK="1"),
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout


# The first screen of the README


def test_the_first_screen_fits_on_one():
    assert len(FIRST_SCREEN.splitlines()) <= 52
    assert README.startswith("# House-Ware CLV Engine\n")


def test_the_line_that_goes_in_has_the_columns_that_init_finds():
    columns, line = tables(FIRST_SCREEN)[0]
    assert set(columns) <= set(Columns.model_fields) and len(line) == len(columns)


def test_the_three_commands_lead_from_a_file_to_the_table_that_is_shown(tmp_path: Path):
    (block,) = re.findall(r"```bash\n(.*?)```", FIRST_SCREEN, flags=re.DOTALL)
    lines = [shlex.split(line.split("#")[0]) for line in block.splitlines()]
    assert [line[:4] for line in lines] == [["python", "orchestrate.py", "--home", "shop"]] * 3
    home = EngineHome(tmp_path / "shop")
    home.root.mkdir()  # where the test's command starts
    transaction_log(customers=150).to_csv(tmp_path / "sales.csv", index=False)
    places = {"sales.csv": str(tmp_path / "sales.csv"), "1998-03-31": CUTOFF.isoformat()}
    for line in lines:
        home.call(*(places.get(word, word) for word in line[4:]))
    columns = ", ".join(tables(FIRST_SCREEN)[1][0])
    assert home.rows(f"select {columns} from marts.clv_ranked_predictions")
    assert list(home.outputs.glob("*.csv")) and (home.outputs / "report.html").exists()


def test_the_answer_of_the_first_screen_has_the_columns_and_tiers_of_its_query(
    rescored_home: EngineHome,
):
    (query,) = re.findall(r"```sql\n(.*?)```", FIRST_SCREEN, flags=re.DOTALL)
    columns, *rows = tables(FIRST_SCREEN)[2]
    with rescored_home.warehouse() as con:
        answer = con.sql(query.rstrip().rstrip(";"))
        assert columns == answer.columns
        assert [row[0] for row in rows] == [tier for tier, *_ in answer.fetchall()]


def test_the_tiers_of_the_first_screen_hold_the_ceiling_of_their_shares():
    customers = [int(row[1]) for row in tables(FIRST_SCREEN)[2][1:]]
    total = sum(customers)
    assert f"{total:,} rows" in FIRST_SCREEN
    shares = [*Config.model_fields["segments"].default.value_tiers, 100]
    assert list(accumulate(customers)) == [math.ceil(share * total / 100) for share in shares]


@pytest.mark.parametrize("query", blocks("sql"))
def test_a_query_of_the_manual_finds_rows(rescored_home: EngineHome, query: str):
    assert set(re.findall(r"(?:from|join) (\w+)\.", query)) == {"marts"}
    assert rescored_home.rows(query)


# Tables, keys, messages


def test_the_table_of_marts_lists_every_mart(scored_home: EngineHome):
    rows = scored_home.rows(
        "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
    )
    for document in (README, MARTS):
        named = sorted(row[0].strip("`") for row in table(document, "Tables"))
        assert named == [name for (name,) in rows]


def leaves(section: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Default of every key of a config section, by dotted name."""
    found: dict[str, Any] = {}
    for own_name, field in section.model_fields.items():
        name = field.alias or own_name
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if inner:
            found |= leaves(inner[0], f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field.default
    return found


def test_the_table_of_keys_lists_every_key_of_the_config_and_no_other():
    assert {row[0].strip("`") for row in table(CONFIG, "Config")} == set(leaves(Config))


@pytest.mark.parametrize("row", table(CONFIG, "Config"), ids=lambda row: row[0])
def test_a_row_of_a_key_tells_its_default(row: list[str]):
    default = leaves(Config)[row[0].strip("`")]
    if default is PydanticUndefined:
        assert row[1] == "required"
    elif default is None:
        assert row[1] == "none"
    else:
        assert yaml.safe_load(row[1]) == default


def test_every_key_of_the_config_stands_in_the_file_users_copy():
    text = (REPOSITORY / "config" / "model_config.yaml").read_text(encoding="utf-8")
    uncommented = re.sub(r"^# ( *\w+:)", r"\1", text, flags=re.MULTILINE)
    keys = {name.split(".")[-1] for name in leaves(Config)} - {"amount"}
    assert keys <= set(re.findall(r"^\s*(\w+):", uncommented, flags=re.MULTILINE))
    assert "or amount alone" in text


def test_exit_codes_in_the_manual_are_those_of_the_errors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.EngineError)}
    told = {int(row[0]) for row in table(COMMANDS, "When something goes wrong")}
    assert told == codes
    assert [int(row[0]) for row in table(COMMANDS, "Exit codes")] == sorted({0, *codes})


def text_of(node: ast.expr) -> str:
    """A text in the code, what is put into it replaced by …"""
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


def words_of_the_engine() -> str:
    """What the engine's errors say: what is wrong and what to do, as on the line of an error."""
    lines = []
    for path in sorted((REPOSITORY / "ml").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
                lines.append("; ".join(text_of(argument) for argument in node.args))
    assert len(lines) > 80
    return "\n".join(lines)


@pytest.mark.parametrize(
    "message",
    [
        row[1].strip("`")
        for row in table(COMMANDS, "When something goes wrong")
        if row[1].startswith("`")
    ],
)
def test_a_message_in_the_manual_is_one_the_engine_says(message: str):
    said = words_of_the_engine()
    pattern = ".*".join(re.escape(part.strip()) for part in message.split("…"))
    assert re.search(pattern, said), message
