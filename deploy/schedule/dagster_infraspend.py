"""Infraspend in Dagster 1.13: loads, build, publish and notify as assets, every morning.

    pip install 'dagster>=1.13,<1.14' dagster-webserver
    dagster dev -f dagster_infraspend.py

Every asset runs one verb; the build itself decides which models and months it rebuilds. A load
that refused a file landed the others: its check fails, and the build goes on with what is there.

`infraspend` is found in PATH, or named in INFRASPEND_COMMAND: it may live in an environment of its
own. The rest of its settings are environment variables, see docs/schedule.md.
"""

import os
import subprocess

import dagster as dg

COMMAND = os.environ.get("INFRASPEND_COMMAND", "infraspend")
SOURCES = {"aws-cur": "BILL", "kubernetes": "KUBERNETES", "platforms": "PLATFORMS"}


def run(context: dg.AssetExecutionContext, *arguments: str) -> str:
    """Runs a verb; returns what it printed, or what went wrong if it failed."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False)
    context.log.info(f"infraspend {' '.join(arguments)}\n{done.stderr}{done.stdout}")
    if done.returncode:
        raise dg.Failure(done.stderr.strip().splitlines()[-1])
    return done.stdout


def load(kind: str, source: str) -> dg.AssetsDefinition:
    """The asset of what one kind of delivery has landed."""
    name = kind.replace("-", "_")

    @dg.asset(
        name=name,
        group_name="landed",
        check_specs=[dg.AssetCheckSpec("everything_landed", asset=name)],
    )
    def landed(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        try:
            said, passed = run(context, "load", kind, "--from", source), True
        except dg.Failure as failure:
            said, passed = failure.description or "", False
        check = dg.AssetCheckResult(passed=passed, metadata={"said": said})
        return dg.MaterializeResult(metadata={"said": said}, check_results=[check])

    return landed


loads = [
    load(kind, os.environ[variable]) for kind, variable in SOURCES.items() if variable in os.environ
]


@dg.asset(deps=loads, group_name="marts")
def marts(context: dg.AssetExecutionContext) -> None:
    """The marts in the warehouse, tested."""
    run(context, "build")


@dg.asset(deps=[marts], group_name="marts")
def published(context: dg.AssetExecutionContext) -> None:
    """The marts that people read."""
    run(context, "publish")
    if "PUBLISH_TO" in os.environ:
        run(context, "publish", "--to", os.environ["PUBLISH_TO"])


@dg.asset(deps=[published], group_name="marts")
def notified(context: dg.AssetExecutionContext) -> None:
    """The people whose spend has a problem."""
    if "INFRASPEND_NOTIFY" in os.environ:
        run(context, "notify")


daily = dg.define_asset_job("infraspend_daily", selection="*")

defs = dg.Definitions(
    assets=[*loads, marts, published, notified],
    jobs=[daily],
    schedules=[dg.ScheduleDefinition(job=daily, cron_schedule="30 7 * * *")],
    # A warehouse has one writer at a time.
    executor=dg.in_process_executor,
)
