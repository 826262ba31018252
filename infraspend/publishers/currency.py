"""The currency of the marts: that of the bills, of which a warehouse has one."""

import duckdb

from infraspend.loaders.errors import InfraspendError, first_line

_SIGNS = {"USD": "$", "EUR": "\u20ac", "GBP": "\u00a3"}
_UNSAID = "USD"
"""What AWS bills in where no line of a report says it."""


def currency_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The code of the currency that all amounts of the marts are in, such as `USD`.

    Args:
        connection: The warehouse or the published file, as the default database.

    Raises:
        InfraspendError: They are of a version that does not say it.
    """
    try:
        found = connection.execute("select max(currency) from marts.build_inputs").fetchone()
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise InfraspendError(
            f"the marts are of another version ({first_line(error)}): run infraspend build and"
            " infraspend publish"
        ) from error
    return str(found[0]) if found and found[0] else _UNSAID


def sign_of(currency: str) -> str:
    """What stands before an amount: the currency's sign, or its code and a space.

    Args:
        currency: Its code.
    """
    return _SIGNS.get(currency, f"{currency}\u00a0")
