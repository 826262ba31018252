"""LAND: what AWS, Prometheus and platform owners delivered, unchanged, in the raw tables.

`aws_cur`, `focus`, `kubernetes` and `platforms` each land one kind of delivery; `warehouse` says
how anything lands safely, `duckdb_warehouse` and `lake` are the two kinds of warehouse; `tables`
lists the raw tables and their columns.
"""

import os

# dlt reads these when it is imported: no telemetry, and no traceback in the log for an error that
# is reported in one line here.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
# And this when it loads: files that have landed in a bucket need not stay here.
os.environ["LOAD__DELETE_COMPLETED_JOBS"] = "true"
