"""Spark frames behind the few methods of DuckDB's relations that the Python models use.

Rows reach Python with the types that DuckDB would give them, so that `ml` never sees which engine
held the rows.
"""

from collections.abc import Callable, Iterator

import duckdb
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from spark_sql import to_spark


class Relation:
    """A Spark frame; conditions and lists of columns are written in DuckDB's SQL."""

    def __init__(self, frame: DataFrame) -> None:
        self.frame = frame

    def project(self, columns: str) -> "Relation":
        return self._select(f"select {columns} from {{rows}}")

    def filter(self, condition: str) -> "Relation":
        return self._select(f"select * from {{rows}} where {condition}")

    def aggregate(self, columns: str) -> "Relation":
        return self._select(f"select {columns} from {{rows}} group by all")

    def order(self, columns: str) -> "Relation":
        return self._select(f"select * from {{rows}} order by {columns}")

    def limit(self, rows: int) -> "Relation":
        return Relation(self.frame.limit(rows))

    def join(self, other: "Relation", columns: str, how: str) -> "Relation":
        names = [name.strip() for name in columns.split(",")]
        return Relation(self.frame.join(other.frame, names, how))

    def df(self) -> pd.DataFrame:
        """All rows on this machine."""
        return _pandas(self.frame.toArrow())

    def in_parts(
        self,
        score: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
        schema: pa.Schema,
    ) -> "Relation":
        """What `score` says of the rows, part by part where they lie; it may not need the others.

        schema: of the answer.
        """

        def parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            yield from score(batches)

        return Relation(self.frame.mapInArrow(parts, from_arrow_schema(schema)))

    def _select(self, sql: str) -> "Relation":
        # sqlglot has no word for Spark's `{rows}`
        spark = to_spark(sql.replace("{rows}", "rows_")).replace("rows_", "{rows}")
        return Relation(self.frame.sparkSession.sql(spark, rows=self.frame))


class Session:
    """What a Python model calls its session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def table(self, name: str) -> Relation:
        return Relation(self._spark.table(name))

    def frame(self, answer: Relation | pd.DataFrame) -> DataFrame:
        """What a model returned, on Spark."""
        if isinstance(answer, Relation):
            return answer.frame
        return self._spark.createDataFrame(_arrow(answer))


def _pandas(rows: pa.Table) -> pd.DataFrame:
    """Arrow rows as DuckDB gives them to Python: days as timestamps, DECIMAL as float."""
    with duckdb.connect() as con:
        return con.from_arrow(rows).df()


def _arrow(rows: pd.DataFrame) -> pa.Table:
    """A frame with the types that DuckDB would store it in."""
    with duckdb.connect() as con:
        return con.from_df(rows).to_arrow_table()
