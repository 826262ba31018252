"""PUBLISH: copies the marts to their readers, only if every test passed."""

DATABASE_NAME = "infraspend.duckdb"
"""The name of the published file, in the directory or bucket that is published to."""
