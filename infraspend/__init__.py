"""Infraspend: who spends what on shared platforms, exact to the last digit."""

from pathlib import Path
from typing import Final

INSTALLED: Final = Path(__file__).resolve().parent / "project"
"""The dbt project as it was installed; in a checkout, links to the folders at its top."""
