"""What the failure of a data test means: which table, what is wrong in it, how many rows."""

from collections.abc import Mapping
from typing import Any

# of dbt's own tests; those of the project say in their description when they fail
BUILT_IN = {
    "accepted_values": "{column_name} has a value that it cannot have",
    "not_null": "{column_name} has no value",
    "relationships": "{column_name} has a value that is not in the other table",
    "unique": "two rows have the same {column_name}",
}
FAILS_WHEN = "Fails when "


def failed_test(result: Any, manifest: Any) -> str | None:
    """`clv_predictions: two rows have the same key (2 of them)`; None when it is no data test.

    result: of dbt, one node that ran. manifest: of dbt, the project.
    """
    node = result.node
    if str(node.resource_type) != "test" or str(result.status) != "fail":
        return None
    table = str(node.attached_node or node.name).rsplit(".", 1)[-1]
    rows = f"{result.failures:,} {'case' if result.failures == 1 else 'cases'}"
    return f"{table}: {_what_is_wrong(node, manifest)} ({rows}, test {node.name})"


def _what_is_wrong(node: Any, manifest: Any) -> str:
    metadata = getattr(node, "test_metadata", None)
    if metadata is None:
        return _reason(node.description)
    if metadata.name in BUILT_IN:
        return BUILT_IN[metadata.name].format_map(_named(metadata.kwargs))
    macro = manifest.macros[f"macro.{node.package_name}.test_{metadata.name}"]
    column = metadata.kwargs.get("column_name")
    return f"{column}: {_reason(macro.description)}" if column else _reason(macro.description)


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"column_name": "a column", **values}


def _reason(description: str) -> str:
    """The first sentence of `Fails when …`, without these words."""
    sentence = " ".join(description.split()).removeprefix(FAILS_WHEN).split(". ")[0]
    return sentence.removesuffix(".")
