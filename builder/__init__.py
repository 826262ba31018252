"""BUILD: runs the models and their tests over a warehouse and keeps a record of how that went."""

from builder.building import BuildResult, build, explained_percentage, is_up_to_date
from builder.records import BuildRecord, last_build

__all__ = [
    "BuildRecord",
    "BuildResult",
    "build",
    "explained_percentage",
    "is_up_to_date",
    "last_build",
]
