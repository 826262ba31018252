"""What `infraspend explain` writes for spreadsheets."""

from datetime import date
from decimal import Decimal

from publishers.explanation import Explanation, Reason, as_csv


def test_no_cell_is_a_formula() -> None:
    reason = Reason(
        charge="=1+1",
        label="@cmd",
        through="",
        usage="",
        basis="",
        hours=1,
        charge_true_cost=Decimal("-1"),
        spend=Decimal("-1"),
    )
    text = as_csv(Explanation("+label", date(2026, 11, 1), Decimal("-1"), [reason]))
    assert text.splitlines()[1] == "'+label,2026-11-01,'=1+1,'@cmd,,,,1,-1,-1"
