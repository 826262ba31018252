"""dbt with Spark's ANSI mode on: run with `python -m`, it takes dbt's own arguments.

dbt-spark 1.11 turns ANSI mode off in every session, whatever the profile says. Without it a sum that
does not fit into 38 digits is NULL, and so is a text that is no number: money would disappear and
nobody would be told.
"""

from dbt.adapters import spark
from dbt.adapters.spark.connections import SparkCredentials
from dbt.cli.main import cli

_ANSI = "spark.sql.ansi.enabled"


class ExactCredentials(SparkCredentials):
    """The credentials of a profile, with the ANSI mode that the profile asks for."""

    def __post_init__(self) -> None:
        """Puts back what dbt-spark overwrites."""
        wanted = str(self.server_side_parameters.get(_ANSI, "true"))
        super().__post_init__()
        self.server_side_parameters[_ANSI] = wanted


if __name__ == "__main__":
    spark.Plugin.credentials = ExactCredentials
    cli()
