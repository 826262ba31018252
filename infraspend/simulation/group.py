"""A company as large as one likes: a group of subsidiaries, all written from one simulated company.

Each subsidiary is the company once more under names of its own (`names`), with a payer, accounts,
clusters and platforms of its own, so that nothing of it is worked out again: what the company was
charged, used and truly spent is read once, and written once for each subsidiary with its names in
the place of the company's. Python only looks at the distinct names of a table, and keeps one month
of the company however many subsidiaries there are.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infraspend.simulation.deliveries.bill import BUCKET
from infraspend.simulation.deliveries.collections import SCHEMAS, write_index
from infraspend.simulation.deliveries.report_columns import CUR2_SCHEMA
from infraspend.simulation.names import Names
from infraspend.simulation.truth import truth
from infraspend.simulation.units import as_text, units

#: What becomes of each distinct text of a column, in a subsidiary's names.
_Renames = Mapping[str, Callable[[Names, str], str]]

_BILL: _Renames = {
    "bill_payer_account_id": Names.account,
    "bill_payer_account_name": Names.plain,
    "line_item_usage_account_id": Names.account,
    "line_item_usage_account_name": Names.plain,
    "line_item_resource_id": Names.resource,
    "line_item_line_item_description": Names.account,
    "reservation_reservation_a_r_n": Names.account,
    "reservation_subscription_id": Names.subscription,
    "savings_plan_savings_plan_a_r_n": Names.account,
}
_COLLECTIONS: Mapping[str, _Renames] = {
    "container_hours": {
        "cluster": Names.label,
        "namespace": Names.namespace,
        "uid": Names.uid,
    },
    "node_hours": {"cluster": Names.label, "provider_id": Names.resource},
    "volume_hours": {
        "cluster": Names.label,
        "namespace": Names.namespace,
        "volume_id": Names.resource,
    },
    "pods": {"cluster": Names.label, "namespace": Names.namespace, "uid": Names.uid},
    "scrape_hours": {"cluster": Names.label},
}
_PUBLISHED: _Renames = {"sub_platform": Names.label, "lyft_label": Names.label}
_TRUTH: Mapping[str, tuple[pa.Schema, _Renames]] = {
    "true_cost": (
        truth.TRUE_COST,
        {
            "payer_account_id": Names.account,
            "account_id": Names.account,
            "lyft_label": Names.label,
        },
    ),
    "schedule": (truth.SCHEDULE, {"sub_platform": Names.label, "lyft_label": Names.label}),
    "enriched_spend": (
        truth.ENRICHED_SPEND,
        {
            "source_label": Names.label,
            "lyft_label": Names.label,
            "sub_platform": Names.label,
            "via": Names.path,
        },
    ),
    "unallocated_capacity": (truth.UNALLOCATED_CAPACITY, {"sub_platform": Names.label}),
}
_SEEDS: _Renames = {
    "lyft_label": Names.label,
    "sub_platform": Names.label,
    "payer_account_id": Names.account,
}

_LINES_OF_A_PART = 1_000_000
_ROWS_OF_A_ROW_GROUP = 100_000
_ID = "identity_line_item_id"
#: The digits of a line's id that are a subsidiary's own.
_DIGITS_OF_AN_ID = (8, 12)
_TAGS = "resource_tags"
_PAYER = "payer_account_id"
_RESERVED = {"free", "unattributed", "unlabeled", "_unused_ri", "_unused_sp"}
_TEXT = pa.string()

Totals = list[dict[str, Any]]


def write_group(
    company: Path, out: Path, count: int, seeds: Path, progress: Callable[[str], None]
) -> Totals:
    """Writes a group of subsidiaries: what is delivered of it, its seeds and its truth.

    Args:
        company: Where the company lies of which all of them are; its bills are data exports.
        out: Where the group goes.
        count: How many subsidiaries it has, the company itself among them.
        seeds: The seeds of the company.
        progress: Called with what is written next.

    Returns:
        What the bill of the whole group adds up to: a row of the truth's `totals.json` for each
        billing period.
    """
    group = [Names(number, _shared_names(seeds)) for number in range(count)]
    _write_seeds(seeds, out / "seeds", group)
    for manifest in sorted((company / "bill").rglob("*-Manifest.json")):
        _write_bill(manifest, company / "bill", out / "bill", group, progress)
    for cluster in sorted((company / "kubernetes").iterdir()):
        name = cluster.name.partition("=")[2]
        progress(f"Writing {len(group)} clusters like {name}")
        _write_clusters(cluster, name, out / "kubernetes", group)
    for platform in sorted((company / "platforms").iterdir()):
        progress(f"Writing what {len(group)} owners of {platform.name} publish")
        _write_published(platform, out / "platforms" / platform.name, group)
    for table in _TRUTH:
        progress(f"Writing the truth: {table}")
        _write_truth(company / "truth", out / "truth", table, group)
    return _write_totals(company / "truth" / "totals.json", out / "truth" / "totals.json", group)


# Tables


def _read(paths: Iterable[Path], texts: Sequence[str]) -> pa.Table:
    """One table of Parquet files; the named texts are kept as numbers of a dictionary's."""
    tables = [pq.read_table(path, read_dictionary=texts, partitioning=None) for path in paths]
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_string(field.type)]


def _renamed(table: pa.Table, renames: _Renames, names: Names) -> pa.Table:
    """A table in a subsidiary's names: its dictionaries are replaced, nothing else is touched."""
    for column, rename in renames.items():
        own = [
            pa.DictionaryArray.from_arrays(
                chunk.indices,
                pa.array([rename(names, text) for text in chunk.dictionary.to_pylist()], _TEXT),
            )
            for chunk in table[column].chunks
        ]
        table = _with(table, column, pa.chunked_array(own, table[column].type))
    return table


def _with(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(column), column, values)


def _write(path: Path, tables: Iterator[pa.Table]) -> None:
    """Writes tables of one schema to a file, one below the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first = next(tables)
    # Dictionaries are how a table is kept here, and not what it says.
    with pq.ParquetWriter(path, first.schema, store_schema=False) as writer:
        for table in chain([first], tables):
            writer.write_table(table, row_group_size=_ROWS_OF_A_ROW_GROUP)


# The bill


class _Month:
    """A month of the company's bill."""

    def __init__(self, files: Iterable[Path]) -> None:
        texts = [name for name in _texts(CUR2_SCHEMA) if name != _ID]
        self._lines = _read(files, texts)
        known: dict[tuple[tuple[str, str], ...] | None, int] = {}
        numbers = [
            known.setdefault(None if tags is None else tuple(tags), len(known))
            for tags in self._lines[_TAGS].to_pylist()
        ]
        self._tag_sets = list(known)
        self._tag_set_numbers = pa.array(numbers, pa.int32())

    def __len__(self) -> int:
        return int(self._lines.num_rows)

    def of(self, names: Names) -> pa.Table:
        """The month of a subsidiary."""
        if not names.number:
            return self._lines
        lines = _renamed(self._lines, _BILL, names)
        start, stop = _DIGITS_OF_AN_ID
        ids = pc.binary_replace_slice(lines[_ID], start, stop, f"{names.number:0{stop - start}x}")
        own = [
            tags and [(key, names.tag(key, value)) for key, value in tags]
            for tags in self._tag_sets
        ]
        tags = pa.array(own, CUR2_SCHEMA.field(_TAGS).type).take(self._tag_set_numbers)
        return _with(_with(lines, _ID, ids), _TAGS, tags)


def _write_bill(
    manifest: Path, bucket: Path, to: Path, group: Sequence[Names], progress: Callable[[str], None]
) -> None:
    """Writes a month: one delivery of all payers, in parts that hold whole subsidiaries."""
    described = json.loads(manifest.read_text(encoding="utf-8"))
    prefix = f"s3://{BUCKET}/"
    keys = [key.removeprefix(prefix) for key in described["dataFiles"]]
    month = _Month(bucket / key for key in keys)
    at_once = max(1, _LINES_OF_A_PART // len(month))
    described["dataFiles"] = []
    for number, first in enumerate(range(0, len(group), at_once), start=1):
        part = group[first : first + at_once]
        key = re.sub(r"\d+(?=\.snappy\.parquet$)", f"{number:05d}", keys[0])
        _write(to / key, map(month.of, part))
        described["dataFiles"].append(f"{prefix}{key}")
        progress(
            f"Writing the bill of {manifest.parent.name.partition('=')[2]}:"
            f" {(first + len(part)) * len(month):,} of {len(group) * len(month):,} lines"
        )
    path = to / manifest.relative_to(bucket)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(described, indent=2), encoding="utf-8")
    shutil.copystat(manifest, path)


# Clusters and platforms


def _write_clusters(cluster: Path, name: str, to: Path, group: Sequence[Names]) -> None:
    """Writes a collection for each subsidiary and month of what ran in a cluster."""
    months: defaultdict[str, list[Path]] = defaultdict(list)
    for day in sorted(cluster.iterdir()):
        months[day.name[: len("yyyymm")]].append(day)
    for days in months.values():
        first, end = days[0].name.split("_")[0], days[-1].name.split("_")[1]
        tables = {
            table: _read((day / f"{table}.parquet" for day in days), _texts(schema))
            for table, schema in SCHEMAS.items()
        }
        for names in group:
            own = names.label(name)
            folder = to / f"cluster={own}" / f"{first}_{end}"
            for table, rows in tables.items():
                renamed = _renamed(rows, _COLLECTIONS[table], names)
                _write(folder / f"{table}.parquet", iter([renamed]))
            rows_of = {table: rows.num_rows for table, rows in tables.items()}
            write_index(folder, own, _hour(first), _hour(end), rows_of)


def _hour(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H")  # noqa: DTZ007 - plain UTC, as everywhere


def _write_published(platform: Path, to: Path, group: Sequence[Names]) -> None:
    """Writes a file for each month of what the owners of a platform publish."""
    for month in sorted(platform.glob("*/*")):
        days = sorted(month.iterdir())
        rows = [row for day in days for row in _published(day)]
        # As text, so that every digit stays what the owner wrote.
        table = pa.Table.from_pylist(rows, pa.schema([(name, _TEXT) for name in rows[0]]))
        for column in _PUBLISHED:
            table = _with(table, column, table[column].dictionary_encode())
        table = table.unify_dictionaries().combine_chunks()
        year, number = month.parts[-2:]
        path = to / year / number / f"{platform.name}-{year}-{number}.parquet"
        _write(path, (_renamed(table, _PUBLISHED, names) for names in group))
        shutil.copystat(days[-1], path)


def _published(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        if file.suffix == ".csv":
            yield from csv.DictReader(lines)
        else:
            yield from (json.loads(line, parse_float=str, parse_int=str) for line in lines)


# The truth


def _write_truth(company: Path, to: Path, table: str, group: Sequence[Names]) -> None:
    schema, renames = _TRUTH[table]
    rows = _read([company / f"{table}.parquet"], _texts(schema))
    _write(to / f"{table}.parquet", (_renamed(rows, renames, names) for names in group))


def _write_totals(company: Path, to: Path, group: Sequence[Names]) -> Totals:
    """Writes the totals of every payer, and returns those of the whole group."""
    totals = json.loads(company.read_text(encoding="utf-8"))
    of_payers = [
        total | {_PAYER: names.account(total[_PAYER])} for total in totals for names in group
    ]
    to.write_text(json.dumps(of_payers, indent=2), encoding="utf-8")
    return [
        {name: _times(value, len(group)) for name, value in total.items() if name != _PAYER}
        for total in totals
    ]


def _times(value: int | str, count: int) -> int | str:
    """A number of lines, an amount or the name of a month, of so many companies."""
    if isinstance(value, int):
        return value * count
    return as_text(units(value) * count) if "." in value else value


# The seeds


def _shared_names(seeds: Path) -> frozenset[str]:
    """Labels that the rules name outright, namespaces that they know by name, reserved labels."""
    rules = _rows(seeds / "label_rules.csv")
    outright = {rule["lyft_label"] for rule in rules if "{" not in rule["lyft_label"]}
    namespaces = {
        rule["match_value"]
        for rule in rules
        if (rule["match_on"], rule["match_type"]) == ("namespace", "equals")
    }
    return frozenset(outright | namespaces | _RESERVED)


def _write_seeds(seeds: Path, to: Path, group: Sequence[Names]) -> None:
    """Declares for every subsidiary what the company declares."""
    to.mkdir(parents=True)
    for seed in sorted(seeds.glob("*.csv")):
        rows = _rows(seed)
        if seed.stem == "label_rules":
            declared = [_of_any_subsidiary(rule) for rule in rows]
        else:
            owns = (_declared_by(names, row) for names in group[1:] for row in rows)
            declared = rows + [own for own in owns if own is not None]
        with seed.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        with (to / seed.name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(declared)


def _rows(seed: Path) -> list[dict[str, str]]:
    with seed.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _declared_by(names: Names, row: dict[str, str]) -> dict[str, str] | None:
    """What a subsidiary declares where the company declares `row`; None if it is in common."""
    own = {column: rename(names, row[column]) for column, rename in _SEEDS.items() if column in row}
    return row | own if own != {column: row[column] for column in own} else None


def _of_any_subsidiary(rule: dict[str, str]) -> dict[str, str]:
    """A rule that asks for an account asks for it in each subsidiary."""
    if (rule["match_on"], rule["match_type"]) != ("account", "equals"):
        return rule
    return rule | {"match_type": "regex", "match_value": f"^{rule['match_value'][:8]}[0-9]{{4}}$"}
