"""The current time."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The current time as a plain UTC timestamp, as in the raw tables."""
    return datetime.now(UTC).replace(tzinfo=None)
