"""What time it is."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present as a plain UTC timestamp, as the raw tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)
