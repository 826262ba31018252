"""dbt with Spark's ANSI mode on: run with `python -m`, it takes dbt's own arguments.

dbt-spark 1.11 turns ANSI mode off in every session, whatever the profile says. Without it a sum
that does not fit into 38 digits is NULL, and so is a text that is no number: money would disappear
silently.
"""

from dbt.adapters.spark.connections import SparkCredentials
from dbt.cli.main import cli

from infraspend.builder.dbt_process import end_with_parent

_ANSI = "spark.sql.ansi.enabled"


def keep_ansi_mode() -> None:
    """Makes dbt-spark leave ANSI mode as the profile has it; on, if the profile says nothing."""
    overwrite = SparkCredentials.__post_init__

    def keep(credentials: SparkCredentials) -> None:
        wanted = str(credentials.server_side_parameters.get(_ANSI, "true"))
        overwrite(credentials)
        credentials.server_side_parameters[_ANSI] = wanted

    SparkCredentials.__post_init__ = keep


if __name__ == "__main__":
    keep_ansi_mode()
    end_with_parent()
    cli()
