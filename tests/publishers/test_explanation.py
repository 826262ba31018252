"""What `infraspend explain` writes for spreadsheets."""

from datetime import date
from decimal import Decimal

from infraspend.publishers.explanation import Explanation, Reason, as_csv


def test_no_cell_is_a_formula() -> None:
    reason = Reason(
        charge="=1+1",
        label="@cmd",
        way="",
        usage_of="",
        usage="",
        basis="",
        hours=1,
        charge_true_cost=Decimal("-1"),
        spend=Decimal("-1E-12"),
    )
    day = date(2026, 11, 1)
    text = as_csv(Explanation("+label", day, day, [], Decimal("-1E-12"), [reason], []))
    assert (
        text.splitlines()[1] == "'+label,2026-11-01,2026-11-01,'=1+1,'@cmd,,,,,1,-1,-0.000000000001"
    )
