"""The project's SQL in Spark's words: sqlglot translates, here stands what would change meaning.

The models are written for DuckDB. Where the same words give other values on Spark, the tree is
changed before it is written out: division, decimal literals, months, quantiles, NULL in max_by, and
functions that Spark has under no name.
"""

from functools import lru_cache
from typing import ClassVar

from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.dialects.spark import Spark


class NestedSpark(Spark):
    """Spark as it is today: a CTE may hold CTEs of its own, whatever their names."""

    class Generator(Spark.Generator):
        EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set] = set()


# the complete months from one day to a later one; a month's last day completes it
WHOLE_MONTHS = """
cast(months_between(trunc({later}, 'MM'), trunc({earlier}, 'MM')) as int)
- cast(day({later}) < least(day({earlier}), day(last_day({later}))) as int)
"""
# DuckDB's words for numbers, with and without thousands, in Java's
NUMBER_SHAPES = {
    "{:,.0f}": exp.Literal.string("#,##0"),
    "{:,.2f}": exp.Literal.string("#,##0.00"),
    "{:.2f}": exp.Literal.string("0.00"),
}
# bytes 9 to 16 of the digest, the least significant first
LOWER_HALF_OF_MD5 = r"""
cast(
    conv(
        regexp_replace(
            substr(md5({text}), 17), '(..)(..)(..)(..)(..)(..)(..)(..)', '$8$7$6$5$4$3$2$1'
        ), 16, 10
    ) as decimal(20, 0)
)
"""


@lru_cache(maxsize=4096)
def to_spark(sql: str) -> str:
    """A DuckDB query as the Spark query that gives the same rows.

    Raises sqlglot.errors.ParseError for what is no DuckDB query, UnsupportedError for what Spark
    has no words for.
    """
    tree = parse_one(sql, read="duckdb")
    _divide_as_doubles(tree)
    _replace_functions(tree)
    return tree.sql(dialect=NestedSpark, pretty=True, unsupported_level=ErrorLevel.RAISE)


def _divide_as_doubles(tree: exp.Expression) -> None:
    """`/` and literals such as 0.5 are DECIMAL on Spark; DuckDB divides DOUBLEs."""
    for division in list(tree.find_all(exp.Div)):
        division.set("this", exp.cast(division.this, "double", copy=False))
    for literal in list(tree.find_all(exp.Literal)):
        if not literal.is_string and "." in literal.name:
            literal.replace(exp.cast(literal.copy(), "double"))
    for integer in list(tree.find_all(exp.DataType)):
        if integer.this == exp.DataType.Type.INT128:
            integer.replace(exp.DataType.build("decimal(38, 0)"))


def _replace_functions(tree: exp.Expression) -> None:
    """Functions with another name, or with another idea of NULL, on Spark."""
    for call in list(tree.find_all(exp.Anonymous)):
        words = {f"word{number}": part.sql("spark") for number, part in enumerate(call.expressions)}
        if call.name.lower() == "to_months":
            call.replace(_spark("make_ym_interval(0, {word0})", **words))
        elif call.name.lower() == "date_sub" and words["word0"].lower() == "'month'":
            found = WHOLE_MONTHS.format(earlier=words["word1"], later=words["word2"])
            call.replace(exp.paren(_spark(found)))
        elif call.name.lower() == "md5_number_lower":
            call.replace(_spark(LOWER_HALF_OF_MD5.format(text=words["word0"])))
    for pattern in list(tree.find_all(exp.Format)):
        shape = NUMBER_SHAPES[pattern.this.name]
        pattern.replace(exp.func("format_number", *pattern.expressions, shape))
    for quantile in list(tree.find_all(exp.PercentileCont)):
        quantile.replace(exp.func("percentile", quantile.this, quantile.expression))
    for best in list(tree.find_all(exp.ArgMax, exp.ArgMin)):
        known = exp.Where(this=best.this.copy().is_(exp.null()).not_())
        best.replace(exp.Filter(this=best.copy(), expression=known))


def _spark(text: str, **words: str) -> exp.Expression:
    return parse_one(text.format(**words), read="spark")
