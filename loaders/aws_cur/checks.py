"""What is refused: deliveries that would be added up, or replaced, although they are not alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from infraspend.loaders.aws_cur.canonical import Layout
from infraspend.loaders.aws_cur.columns import (
    NET_OF_PLANS,
    NET_OF_RESERVATIONS,
    NET_UNBLENDED,
    REQUIRED,
)
from infraspend.loaders.aws_cur.manifest import Assembly
from infraspend.loaders.errors import InfraspendError
from infraspend.loaders.warehouse import Warehouse

_SECONDS_OF_A_DAY: Final = 86_400

_FOCUS: Final = frozenset({"billedcost", "chargeperiodstart", "chargeperiodend"})
"""Columns that every FOCUS export has, without capitals and underscores."""


@dataclass(frozen=True)
class Total:
    """What the lines of one payer and currency add up to, in dollars."""

    payer_account_id: str | None
    currency_code: str | None
    line_count: int
    unblended_cost: Decimal
    net_unblended_cost: Decimal
    unblended_cost_without_net: Decimal
    landed_unblended_cost: Decimal
    landed_net_unblended_cost: Decimal
    landed_unblended_cost_without_net: Decimal
    lines_with_net: int
    shortest_interval_seconds: int | None
    shortest_usage_seconds: int | None
    usage_of_hours: int
    nameless_lines: int
    unread_values: int
    undated_lines: int
    discount_lines: int
    discounted_reservation_fees: int
    discounted_plan_fees: int
    discounted_commitments: int


def grain_seconds(found: Sequence[Total]) -> int | None:
    """The report's grain: the shortest interval of a Usage line; None if no line says.

    Where no intervals were delivered, a daily report is known by usage of more than an hour and
    less than a day: it says from which hour to which hour of its day the usage was.
    """
    intervals = [
        total.shortest_interval_seconds for total in found if total.shortest_interval_seconds
    ]
    if intervals:
        return min(intervals)
    if any(total.usage_of_hours for total in found):
        return _SECONDS_OF_A_DAY
    return min(
        (total.shortest_usage_seconds for total in found if total.shortest_usage_seconds),
        default=None,
    )


def check_columns(shapes: Iterable[Layout]) -> None:
    """Refuses files without the columns that make a bill.

    Raises:
        InfraspendError: A required column is missing from a file, which may be a FOCUS export, or
            tags are in no shape that is read.
    """
    for shape in shapes:
        names = {name.lower().replace("_", "") for name, _ in shape.files[0].columns}
        if names >= _FOCUS:
            raise InfraspendError(
                f"{shape.files[0].name} is a FOCUS export: load it with infraspend load focus; or"
                " have AWS deliver CUR 2.0, which knows more (in Data Exports the table"
                " COST_AND_USAGE_REPORT, hourly, with resource ids), and load that"
            )
        if missing := [column for column in REQUIRED if column not in shape.values]:
            raise InfraspendError(
                f"{shape.files[0].name} has no column {', '.join(missing)}:"
                " add it to the report, or leave the report out"
            )
        for column, value in shape.maps.items():
            if not value.is_map:
                raise InfraspendError(
                    f"{shape.files[0].name}: {column} is {value.kind}, which is no map: have it"
                    " written as a map, as JSON text or as a list of key and value"
                )


def check_net_columns(shapes: Sequence[Layout], found: Sequence[Total]) -> list[str]:
    """Refuses discounts on what pays for a commitment without those on what it paid for.

    Returns:
        The net columns that are missing though no discount is seen: worth a warning.

    Raises:
        InfraspendError: A commitment's fee has a discount, and no column says that of its usage, or
            the other way round.
    """
    lacking = []
    if nets := _net_columns_of_commitments(shapes):
        # Discounts that are lines of their own say what they took off, of fees as of usage.
        count = sum(total.discounted_commitments for total in found if not total.discount_lines)
        if count:
            raise InfraspendError(
                f"{shapes[0].files[0].name} has {', '.join(nets)} and no column {NET_UNBLENDED}:"
                f" commitments on {count:,} lines have a discount, and it is not known what all"
                " else costs; add the column to the report"
            )
        lacking.append(NET_UNBLENDED)
    for what, net_of, fees in (
        (
            "reservations",
            NET_OF_RESERVATIONS,
            sum(total.discounted_reservation_fees for total in found),
        ),
        ("savings plans", NET_OF_PLANS, sum(total.discounted_plan_fees for total in found)),
    ):
        missing = _missing_net_columns(shapes, net_of)
        if missing and fees:
            raise InfraspendError(
                f"{shapes[0].files[0].name} has {NET_UNBLENDED} and no column {', '.join(missing)}:"
                f" {fees:,} fees of {what} have a discount, and it is not known what their usage"
                " costs; add the columns to the report"
            )
        lacking += missing
    return lacking


def _net_columns_of_commitments(shapes: Iterable[Layout]) -> list[str]:
    """Net columns of commitments of files that have no net costs of lines."""
    return sorted(
        {
            net
            for shape in shapes
            if NET_UNBLENDED not in shape.values
            for net in (NET_OF_RESERVATIONS | NET_OF_PLANS).values()
            if net in shape.values
        }
    )


def _missing_net_columns(shapes: Iterable[Layout], net_of: Mapping[str, str]) -> list[str]:
    """Net columns that a file lacks, though it has net costs and the column without discounts."""
    return sorted(
        {
            net
            for shape in shapes
            if NET_UNBLENDED in shape.values
            for gross, net in net_of.items()
            if gross in shape.values and net not in shape.values
        }
    )


def check_not_empty(warehouse: Warehouse, assembly: Assembly, lines: int) -> None:
    """Refuses a delivery of nothing for a billing period that has something.

    Raises:
        InfraspendError: It would wipe the period.
    """
    if lines:
        return
    known = warehouse.query(
        "select line_count from raw_aws_cur.assemblies where report = ? and billing_period = ?"
        " and manifest_key = ? order by manifest_time desc, landed_at desc limit 1",
        [assembly.report, assembly.billing_period, assembly.manifest.name],
    )
    if known and known[0][0]:
        raise InfraspendError(
            f"assembly {assembly.assembly_id} delivers no lines and {known[0][0]:,} have landed:"
            " they are kept; if the period is empty indeed, load it with --accept-empty"
        )


def check_grain(shapes: Sequence[Layout], found: Sequence[Total]) -> None:
    """Refuses a report whose lines are for longer than a day.

    Raises:
        InfraspendError: Nothing in it says in which hour or on which day usage was.
    """
    seconds = grain_seconds(found)
    if seconds is not None and seconds > _SECONDS_OF_A_DAY:
        raise InfraspendError(
            f"{shapes[0].files[0].name}: the shortest interval of its usage is"
            f" {seconds // _SECONDS_OF_A_DAY} days: spend is split by the usage of an hour or a"
            " day, which a monthly report does not have; have AWS deliver it hourly or daily"
        )


def check_currency(warehouse: Warehouse, shapes: Sequence[Layout], found: Sequence[Total]) -> None:
    """Refuses what would be added up although it is in something else.

    Raises:
        InfraspendError: It is in another currency than what has landed, or in several.
    """
    landed = warehouse.currencies()
    delivered = sorted(
        (total for total in found if total.currency_code),
        key=lambda total: total.line_count,
        reverse=True,
    )
    currencies = {*landed, *(total.currency_code for total in delivered)}
    if len(currencies) > 1:
        usual = str(landed[0] if landed else delivered[0].currency_code)
        raise InfraspendError(
            f"{_first_in_another_currency(warehouse, shapes, usual)}, and"
            f" {'what has landed' if landed else 'the rest'} is in {usual}: a warehouse holds one"
            " currency, load another one into its own"
        )


def _first_in_another_currency(warehouse: Warehouse, shapes: Iterable[Layout], usual: str) -> str:
    """The first line that is in another currency: its file, row and value."""
    with warehouse.scratch() as connection:
        for shape in shapes:
            currency = shape.text("line_item_currency_code")
            for file in shape.files:
                first = connection.execute(
                    "select row_number, currency from (select row_number() over () as row_number,"
                    f" {currency} as currency from {shape.reader([file.path])} as delivered)"
                    " where currency <> ? order by row_number limit 1",
                    [usual],
                ).fetchone()
                if first:
                    row, value = first
                    return f"{file.name}, row {row}: line_item_currency_code is {value!r}"
    raise AssertionError("a currency was counted that is on no line")


def payer_of(warehouse: Warehouse, assembly: Assembly, found: Sequence[Total]) -> str | None:
    """Whose delivery it is: a report of one name is another one for another payer.

    A delivery that speaks of several payers is that of the deliveries it shares one with, so that
    it replaces them although a payer may have joined or left.

    Returns:
        The payer; None where only an older version of this program knows.
    """
    payers = sorted({str(total.payer_account_id) for total in found})
    same = "assemblies.report = ? and assemblies.billing_period = ?"
    keys: list[object] = [assembly.report, assembly.billing_period]
    if payers:
        known = warehouse.query(
            "select assemblies.payer_account_id from raw_aws_cur.assemblies"
            " inner join raw_aws_cur.control_totals using (assembly_id)"
            f" where {same} and list_contains(?, control_totals.payer_account_id)"
            " order by assemblies.manifest_time desc, assemblies.landed_at desc limit 1",
            [*keys, payers],
        )
        return known[0][0] if known else payers[0]
    known = warehouse.query(
        f"select payer_account_id from raw_aws_cur.assemblies where {same} and manifest_key = ?"
        " order by manifest_time desc, landed_at desc limit 1",
        [*keys, assembly.manifest.name],
    )
    return known[0][0] if known else None
