"""Numbers in delivered text, with a decimal point or with a decimal comma."""

import duckdb

# 1234,5 or 1.234,5: groups of three after a point, an apostrophe or a blank, narrow ones too
GROUPS = r"[.'' \x{00A0}\x{202F}]"
WITH_COMMA = rf"[+-]?([0-9]+|[0-9]{{1,3}}({GROUPS}[0-9]{{3}})+)(,[0-9]+)?"
# three digits after a comma may be a group: they tell nothing
TELLS_COMMA = r"[+-]?[0-9.]*[0-9],([0-9]{1,2}|[0-9]{4,})"
TELLS_POINT = r"[+-]?[0-9,]*[0-9][.]([0-9]{1,2}|[0-9]{4,})"


def number_sql(text: str, decimal_separator: str) -> str:
    """SQL that turns `text` (SQL of a varchar) into what a cast reads; NULL if it is no number."""
    if decimal_separator == ".":
        return text
    digits = f"regexp_replace(trim({text}), '{GROUPS}', '', 'g')"
    is_number = f"regexp_full_match(trim({text}), '{WITH_COMMA}')"
    return f"case when {is_number} then replace({digits}, ',', '.') end"


def guess_decimal_separator(rows: duckdb.DuckDBPyRelation) -> str:
    """`,` if more cells of the text columns have a decimal comma than a decimal point, else `.`."""
    texts = [
        '"' + name.replace('"', '""') + '"'
        for name, kind in zip(rows.columns, map(str, rows.types), strict=True)
        if kind == "VARCHAR"
    ]
    if not texts:
        return "."
    commas, points = (
        " + ".join(
            f"count(*) filter (regexp_full_match(trim({text}), '{pattern}'))" for text in texts
        )
        for pattern in (TELLS_COMMA, TELLS_POINT)
    )
    counts = rows.aggregate(f"{commas} as commas, {points} as points").fetchone()
    return "," if counts and counts[0] > counts[1] else "."
