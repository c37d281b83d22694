"""Airflow DAG of the engine: `orchestrate.py run` once a day. Copy it into the dags folder.

A run scores what is due, measures matured windows and raises alerts; with nothing due it ends in
a few seconds, so it may run as often as new files come. A run that fails is retried (exit 3:
another run holds the lock; 4: the data does not allow it yet); the next day catches up by itself.
"""

import shlex
from datetime import UTC, datetime, timedelta

from airflow import DAG

try:
    from airflow.providers.standard.operators.bash import BashOperator
except ImportError:  # Airflow 2
    from airflow.operators.bash import BashOperator

# Adapt these.
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
    catchup=False,  # a run scores every cutoff that was missed
    max_active_runs=1,
    default_args={"retries": RETRIES, "retry_delay": RETRY_AFTER},
    tags=["clv"],
) as dag:
    # CLV_JIRA_TOKEN and CLV_APPRISE_URLS belong into the worker's environment, never in here
    BashOperator(task_id="run", bash_command=COMMAND, execution_timeout=LONGEST)
