"""Prints the SQL that MetricFlow makes of queries; runs in .venv-metrics, in the project.

Reads a JSON list of [metric, group by] and writes a JSON list of SQL.
"""

import json
import sys

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

settings = CLIConfiguration()
settings.setup(configure_file_logging=False)
answers = [
    settings.mf.explain(
        MetricFlowQueryRequest.create(metric_names=[metric], group_by_names=groups)
    ).sql_statement.sql
    for metric, groups in json.load(sys.stdin)
]
json.dump(answers, sys.stdout)
