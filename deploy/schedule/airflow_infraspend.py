"""Infraspend in Airflow 3: loads, build, publish and notify as tasks, every morning.

Put it where your DAGs lie. Every task runs one verb; the build itself decides which models and
months it rebuilds. A load that refused a file landed the others, so the build goes on, and the run
is failed by `all_went_well`.

`infraspend` is found in PATH, or named in INFRASPEND_COMMAND: it must live in an environment of its
own, since Airflow pins packages that dbt needs otherwise. The rest of its settings are environment
variables, see docs/schedule.md.
"""

import os
from datetime import UTC, datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

COMMAND = os.environ.get("INFRASPEND_COMMAND", "infraspend")
SOURCES = {"aws-cur": "BILL", "kubernetes": "KUBERNETES", "platforms": "PLATFORMS"}

with DAG(
    "infraspend_daily",
    schedule="30 7 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # A warehouse has one writer at a time.
    max_active_runs=1,
    max_active_tasks=1,
    tags=["finops"],
) as dag:
    loads = [
        BashOperator(
            task_id=f"load_{kind.replace('-', '_')}",
            bash_command=f'"{COMMAND}" load {kind} --from "${variable}"',
        )
        for kind, variable in SOURCES.items()
        if variable in os.environ
    ]
    build = BashOperator(
        task_id="build", bash_command=f'"{COMMAND}" build', trigger_rule="all_done"
    )
    publish = BashOperator(
        task_id="publish",
        bash_command=f'"{COMMAND}" publish'
        + (f' && "{COMMAND}" publish --to "$PUBLISH_TO"' if "PUBLISH_TO" in os.environ else ""),
    )
    loads >> build >> publish
    # The state of a run is that of its last tasks.
    [*loads, publish] >> EmptyOperator(task_id="all_went_well")
    if "INFRASPEND_NOTIFY" in os.environ:
        # After a build that failed, too: people hear of it.
        publish >> BashOperator(
            task_id="notify",
            bash_command=f'"{COMMAND}" notify',
            trigger_rule="all_done",
        )
