"""Formats names and numbers: numbers from decimals, and names so that they stay text."""

import hashlib
import re
import unicodedata
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from infraspend.publishers.currency import sign_of

_CENT = Decimal("0.01")
_WHOLE = Decimal(1)
_TENTH = Decimal("0.1")
_NUMBERS = ("DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "UBIGINT")
_TIMES = ("DATE", "TIMESTAMP")
_MONTH = re.compile(r"(\d{4})-(\d\d)(?!\d|-)")
_LONGEST = 80
_WRITTEN = {"csv": "CSV", "ec2": "EC2", "id": "ID", "kubernetes": "Kubernetes", "percent": "%"}
_LONGEST_IN_CELL = 400
_LONGEST_SLUG = 40
# Characters that move, hide or reverse the text around them, or do not print.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def money(amount: Decimal, currency: str, *, exact: bool = False, whole: bool = False) -> str:
    """An amount of money: to the cent, to the last digit, or in whole units of its currency.

    A nonzero amount is never shown as zero: below half a cent it has two significant digits.
    """
    if exact:
        text = f"{amount:,f}"
        head, _, digits = text.partition(".")
        text = f"{head}.{digits.rstrip('0').ljust(10, '0')}"
    elif amount and abs(amount) < _CENT / 2:
        place = Decimal(1).scaleb(amount.adjusted() - 1)
        text = f"{amount.quantize(place, ROUND_HALF_UP):f}"
    else:
        text = f"{amount.quantize(_WHOLE if whole else _CENT, ROUND_HALF_UP):,f}"
    # U+2212, the minus sign of the width of a digit.
    sign = sign_of(currency)
    return f"\u2212{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def percent(share: Decimal, *, signed: bool = False) -> str:
    """A share from 0 to 1, to a tenth of a percent."""
    tenths = (share * 100).quantize(_TENTH, ROUND_HALF_UP)
    sign = "\u2212" if tenths < 0 else "+" if signed and tenths > 0 else ""
    return f"{sign}{abs(tenths):,f} %"


def cell(value: object, type_name: str, currency: str, *, exact: bool = False) -> str:
    """A value as a table shows it.

    The data type defines what a decimal is: `decimal(11, 10)` a share, `decimal(24, 10)` a
    change as a part of what was before, `decimal(28, 10)` a quantity in some unit, any other one
    money.
    """
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        if is_quantity(type_name):
            return quantity(value)
        if is_change(type_name):
            return percent(value, signed=True)
        return percent(value) if is_share(type_name) else money(value, currency, exact=exact)
    if isinstance(value, int):
        return f"{value:,}".replace("-", "\u2212")
    if isinstance(value, datetime):
        return f"{value:%-d %b %Y %H:%M}"
    if isinstance(value, date):
        return day(value)
    return name(str(value), _LONGEST_IN_CELL)


def day(value: date) -> str:
    """A day with its weekday: Fri 20 Nov 2026."""
    return f"{value:%a %-d %b %Y}"


def month(text: str) -> str:
    """A month, YYYY-MM, and what stands behind it: Nov 2026."""
    found = _MONTH.match(text)
    if found is None:
        return name(text)
    return f"{date(int(found[1]), int(found[2]), 1):%b %Y}{name(text)[7:]}"


def quantity(amount: Decimal) -> str:
    """A quantity with all of its digits: core-hours, units."""
    head, _, digits = f"{amount:,f}".partition(".")
    return f"{head}.{digits}".rstrip("0").rstrip(".").replace("-", "\u2212")


@cache
def is_quantity(type_name: str) -> bool:
    """Whether a column is a quantity in a unit that another column names."""
    return type_name.replace(" ", "").upper() == "DECIMAL(28,10)"


@cache
def is_share(type_name: str) -> bool:
    """Whether a column is a share from 0 to 1."""
    return type_name.replace(" ", "").upper() == "DECIMAL(11,10)"


@cache
def is_change(type_name: str) -> bool:
    """Whether a column is a change, as a part of what was before."""
    return type_name.replace(" ", "").upper() == "DECIMAL(24,10)"


def is_month(column: str) -> bool:
    """Whether a column has months, YYYY-MM."""
    return column in ("billing_period", "usage_month")


def heading(column: str) -> str:
    """The heading of a column, from its name."""
    words = column.removeprefix("is_").split("_")
    return " ".join(_WRITTEN.get(word, word) for word in words)


def is_number(type_name: str) -> bool:
    """Whether a column is aligned right and never wrapped."""
    return type_name.upper().startswith(_NUMBERS)


def is_time(type_name: str) -> bool:
    """Whether a column has days or hours, which are never wrapped."""
    return type_name.upper().startswith(_TIMES)


def name(text: str, longest: int = _LONGEST) -> str:
    """A name as it is shown: every character visible, at most a line or two long; more in a cell.

    A long name is cut, and gets a few digits of its hash to distinguish it.
    """
    seen = visible(text)
    if len(seen) <= longest:
        return seen or "(empty)"
    return f"{seen[: longest - 20]}\u2026 ({len(text):,} characters, {_hash(text)})"


def visible(text: str) -> str:
    """A text without hidden characters: controls and marks of direction become U+FFFD."""
    if text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(one) in _UNSEEN else one for one in text)


def file_name(text: str) -> str:
    """The file of a page about a name: the same for ever, and safe on any file system."""
    slug = re.sub(r"[^a-z0-9]+", "-", text[:200].lower()).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{slug}-{_hash(text)}.html" if slug else f"{_hash(text)}.html"


def _hash(text: str) -> str:
    """Eight digits that distinguish names."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
