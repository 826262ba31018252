"""BUILD: runs the models and their tests over a warehouse and keeps a record of how that went."""

from builder.building import (
    BuildResult,
    build,
    check_loaded,
    explained_percentage,
    is_up_to_date,
)
from builder.records import BuildRecord, last_build
from builder.seed_choice import choose_seeds, known_seeds

__all__ = [
    "BuildRecord",
    "BuildResult",
    "build",
    "check_loaded",
    "choose_seeds",
    "explained_percentage",
    "is_up_to_date",
    "known_seeds",
    "last_build",
]
