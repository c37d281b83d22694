"""Teaches dbt-spark's session method this project: its SQL and its Python models.

dbt imports every module named `dbt_*` that Python can find; `make spark` puts this folder on the
path. Nothing here touches another target.
"""

import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from dbt.adapters.base import PythonJobHelper
from dbt.adapters.spark.impl import SparkAdapter
from dbt.compilation import Compiler
from spark_sql import to_spark

REPOSITORY = Path(__file__).resolve().parent.parent.parent
OWN_MODULES = ("spark_sql", "spark_relations")
# Spark's Python workers are this Python unless the user named another
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

_compile_for_duckdb = Compiler._compile_code


def _compile_code(self: Compiler, node: Any, *arguments: Any) -> Any:
    """Models and tests come out of Jinja in DuckDB's SQL; on Spark they are translated."""
    compiled = _compile_for_duckdb(self, node, *arguments)
    is_query = node.language == "sql" and node.resource_type != "operation"
    if self.config.credentials.type == "spark" and is_query and node.compiled_code.strip():
        node.compiled_code = to_spark(node.compiled_code)
    return compiled


class SessionJob(PythonJobHelper):
    """Runs a Python model in this process, on the session that runs the SQL."""

    def __init__(self, parsed_model: dict[str, Any], credentials: Any) -> None:
        self._path = parsed_model["original_file_path"]

    def submit(self, compiled_code: str) -> None:
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        exec(compile(compiled_code, self._path, "exec"), {"spark": spark})


def write_model(model: Any, dbt_object: Any, spark: Any, table: str, file_format: str) -> None:
    """Run a Python model and keep its rows as a table; called by spark__create_table_as()."""
    from spark_relations import Session

    _send_code(spark)
    session = Session(spark)
    answer = session.frame(model(dbt_object(session.table), session))
    answer.write.mode("overwrite").format(file_format).saveAsTable(table)


def _send_code(spark: Any) -> None:
    """Give Spark's workers `ml` and the modules of this folder, once a session."""
    if not spark.conf.get("clv.code", None):
        spark.addArtifacts(str(Path(_packed_code().name) / "clv.zip"), pyfile=True)
        spark.conf.set("clv.code", "sent")


@cache
def _packed_code() -> tempfile.TemporaryDirectory[str]:
    """A folder with clv.zip, kept until Python ends: workers fetch it when they start."""
    folder = tempfile.TemporaryDirectory(prefix="clv-code-")
    package = Path(folder.name) / "clv"
    shutil.copytree(REPOSITORY / "ml", package / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    for name in OWN_MODULES:
        shutil.copy(Path(__file__).with_name(f"{name}.py"), package)
    shutil.make_archive(str(package), "zip", package)
    return folder


Compiler._compile_code = _compile_code
SparkAdapter.default_python_submission_method = "session"
SparkAdapter.python_submission_helpers = {"session": SessionJob}
