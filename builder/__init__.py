"""BUILD: runs the models and their tests over a warehouse."""

from builder.building import BuildResult, build, explained_percentage, is_up_to_date
from builder.records import Unproven, unproven

__all__ = [
    "BuildResult",
    "Unproven",
    "build",
    "explained_percentage",
    "is_up_to_date",
    "unproven",
]
