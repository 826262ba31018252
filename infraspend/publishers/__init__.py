"""PUBLISH: only what passed every test leaves the house."""

DATABASE_NAME = "infraspend.duckdb"
"""What the published file is called, in the directory or bucket that is published to."""
