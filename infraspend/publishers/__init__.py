"""PUBLISH: copies the marts to their readers, only if every test passed."""

DATABASE_NAME = "infraspend.duckdb"
"""The name of the published file, in the directory or bucket that is published to."""

MONTHS = ("billing_period", "usage_month")
"""The columns with a month that a mart is published by: of its bill, or else of its usage."""
