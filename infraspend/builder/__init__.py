"""BUILD: runs the models and their tests over a warehouse."""

from infraspend.builder.building import (
    BuildResult,
    build,
    check_loaded,
    explained_percentage,
    is_up_to_date,
    prepared,
)
from infraspend.builder.records import Unproven, unproven
from infraspend.builder.seed_choice import choose_seeds, is_free_for_demo, known_seeds

__all__ = [
    "BuildResult",
    "Unproven",
    "build",
    "check_loaded",
    "choose_seeds",
    "explained_percentage",
    "is_free_for_demo",
    "is_up_to_date",
    "known_seeds",
    "prepared",
    "unproven",
]
