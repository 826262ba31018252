"""Small SQL expressions that every loader uses."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

# Python's white space, which has more characters than DuckDB's trim().
_WHITE_SPACE: Final = "".join(filter(str.isspace, map(chr, range(0x3001))))


def literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_of(name: str) -> str:
    """A delivered column as text: NULL where it is empty, a double by its shortest digits."""
    return f"nullif(cast({quoted(name)} as varchar), '')"


def time_of(name: str, kind: str) -> str:
    """A delivered column as a plain UTC timestamp, or as text to be cast to one."""
    match kind:
        case "TIMESTAMP WITH TIME ZONE":
            return f"timezone('UTC', {quoted(name)})"
        case "VARCHAR":
            return text_of(name)
        case _:
            return quoted(name)


def label_of(text: str) -> str:
    """A label normalised: trimmed, lower case, NFC; NULL if nothing is left.

    Args:
        text: A SQL expression of type varchar.
    """
    return f"nullif(nfc_normalize(lower(trim({text}, {literal(_WHITE_SPACE)}))), '')"


def csv_call(paths: Iterable[Path], names: Iterable[str], compression: str) -> str:
    """A table function call that reads CSV files as text.

    Nothing is detected: DuckDB's sniffer may skip the lines above a ragged line.

    Args:
        paths: The files; the first line of each is its header.
        names: The names of the columns, in their order.
        compression: `gzip` or `none`.
    """
    files = ", ".join(literal(str(path)) for path in paths)
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv([{files}], columns = {{{types}}}, auto_detect = false, header = true,"
        f" delim = ',', quote = '\"', escape = '\"', compression = '{compression}')"
    )
