"""Every mart says first when, then how much, then what about: whoever reads one can read all."""

from typing import Any

import pytest
import yaml

from tests.end_to_end.companies import ROOT

MARTS = {path.stem: path for path in sorted((ROOT / "models" / "marts").glob("*.yml"))}

PERIODS = {"billing_period", "previous_period", "usage_month", "date_month"}
"""Columns with a month as text."""

OF_TIMES = {"interval_hours", "is_complete", "is_current", "is_period_charge", "days_back"}
"""Columns that say how long a time is, or whether it is whole."""


def columns_of(mart: str) -> list[tuple[str, str]]:
    """A mart's columns and types, in the order of its contract, which is the table's."""
    (model,) = yaml.safe_load(MARTS[mart].read_text())["models"]
    columns: list[dict[str, Any]] = model["columns"]
    return [(column["name"], column["data_type"]) for column in columns]


def is_time(name: str, data_type: str) -> bool:
    return data_type in ("date", "timestamp") or name in PERIODS


def is_money(name: str, data_type: str) -> bool:
    if name == "amount" or name.endswith(("_cost", "_spend", "_effect", "_at_stake")):
        return True
    return data_type.startswith("decimal(38") or name in ("spend_in", "spend_out")


def is_number(data_type: str) -> bool:
    return data_type.startswith("decimal") or data_type == "bigint"


def test_there_are_marts() -> None:
    assert len(MARTS) > 20


@pytest.mark.parametrize("mart", MARTS)
def test_times_stand_first(mart: str) -> None:
    columns = columns_of(mart)
    before = max((at for at, column in enumerate(columns) if is_time(*column)), default=0)
    assert [
        name for name, kind in columns[:before] if not is_time(name, kind) and name not in OF_TIMES
    ] == []


@pytest.mark.parametrize("mart", MARTS)
def test_only_times_and_numbers_stand_before_money(mart: str) -> None:
    columns = columns_of(mart)
    before = max((at for at, column in enumerate(columns) if is_money(*column)), default=0)
    assert [
        name
        for name, kind in columns[:before]
        if not (is_time(name, kind) or is_number(kind) or name in OF_TIMES)
    ] == []
