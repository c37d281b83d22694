"""Airflow DAG of the engine: `orchestrate.py run` once a day. Copy it into the dags folder.

A run scores what is due, measures windows that have matured and raises alerts. If nothing is due it
exits after a few seconds, so you can start it as often as new files come. A run that fails is tried
again, for example when another run holds the lock (exit 3) or the data does not allow it yet
(exit 4). Batches of a missed day are scored by the next run.
"""

import shlex
from datetime import UTC, datetime, timedelta

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator

# Change these to your own.
REPOSITORY = "/opt/clv"
HOME = "/srv/clv"  # the folder with config/ and warehouse/
AT = "15 5 * * *"  # after the day's files have been delivered
RETRIES = 3
RETRY_AFTER = timedelta(minutes=20)
LONGEST = timedelta(hours=2)

COMMAND = shlex.join(
    [f"{REPOSITORY}/.venv/bin/python", f"{REPOSITORY}/orchestrate.py", "--home", HOME, "run"]
)

with DAG(
    dag_id="house_ware_clv",
    description="Score customers, measure matured windows, raise drift alerts",
    schedule=AT,
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,  # one run scores every cutoff that was missed
    max_active_runs=1,
    default_args={"retries": RETRIES, "retry_delay": RETRY_AFTER},
    tags=["clv"],
) as dag:
    # put CLV_JIRA_TOKEN and CLV_APPRISE_URLS into the worker's environment, never into this file
    BashOperator(task_id="run", bash_command=COMMAND, execution_timeout=LONGEST)
