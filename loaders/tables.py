"""The raw tables: every dataset, table and column, with its type, in one place.

The names are a contract: dbt's staging models read them. Amounts are `decimal(25,10)`, control
totals are `decimal(38,18)`, and all times are plain timestamps in UTC. A NULL amount was not
delivered or not measured, which is not the same as zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from infraspend.loaders.cur_columns import CUR_COLUMNS
from infraspend.loaders.focus_columns import FOCUS_COLUMNS

Columns = dict[str, str]

AMOUNT: Final = "decimal(25,10)"
"""An amount as delivered: dollars, core-hours, GiB-hours."""

TOTAL: Final = "decimal(38,18)"
"""A control total: wider and finer than the amounts that it sums."""

FIRST_YEAR: Final = 2006
"""No usage is older (UTC): AWS opened in this year. Earlier times are a clock's mistake."""

LOAD_ID: Final = "_dlt_load_id"
"""The load that wrote a row. The row counts once that load is complete in `_dlt_loads`."""


def _columns(**types: str) -> Columns:
    return types


TABLES: Final[dict[str, dict[str, Columns]]] = {
    "raw_aws_cur": {
        "line_items": {"_assembly_id": "varchar", **CUR_COLUMNS},
        "assemblies": _columns(
            assembly_id="varchar",
            report="varchar",
            billing_period="varchar",
            format="varchar",
            manifest_key="varchar",
            manifest_time="timestamp",
            files="bigint",
            bytes="bigint",
            sha256="varchar",
            line_count="bigint",
            unblended_cost=TOTAL,
            grain_hours="bigint",
            landed_at="timestamp",
            payer_account_id="varchar",
        ),
        "control_totals": _columns(
            assembly_id="varchar",
            payer_account_id="varchar",
            currency_code="varchar",
            line_count="bigint",
            unblended_cost=TOTAL,
            net_unblended_cost=TOTAL,
            unblended_cost_without_net=TOTAL,
            landed_unblended_cost=TOTAL,
            landed_net_unblended_cost=TOTAL,
            landed_unblended_cost_without_net=TOTAL,
            lines_with_net="bigint",
        ),
        "summaries": _columns(
            assembly_id="varchar",
            payer_account_id="varchar",
            account_id="varchar",
            tags="varchar",
            line_count="bigint",
            unblended_cost=TOTAL,
            net_unblended_cost=TOTAL,
        ),
        "rejects": _columns(
            file="varchar",
            row_number="bigint",
            reason="varchar",
            billing_period="varchar",
            report="varchar",
            rejected_at="timestamp",
        ),
    },
    "raw_focus": {
        "charges": {"_statement_id": "varchar", **FOCUS_COLUMNS},
        "statements": _columns(
            statement_id="varchar",
            provider="varchar",
            billing_account_id="varchar",
            billing_period="varchar",
            billing_period_start="timestamp",
            billing_currency="varchar",
            folder="varchar",
            files="bigint",
            bytes="bigint",
            sha256="varchar",
            line_count="bigint",
            delivered_at="timestamp",
            landed_at="timestamp",
        ),
        "control_totals": _columns(
            statement_id="varchar",
            provider="varchar",
            sub_account_id="varchar",
            line_count="bigint",
            billed_cost=TOTAL,
            effective_cost=TOTAL,
            landed_billed_cost=TOTAL,
            landed_effective_cost=TOTAL,
        ),
        "folders": _columns(folder="varchar", version="varchar", read_at="timestamp"),
        "rejects": _columns(
            file="varchar",
            row_number="bigint",
            reason="varchar",
            billing_account_id="varchar",
            billing_period="varchar",
            rejected_at="timestamp",
        ),
    },
    "raw_kubernetes": {
        "collections": _columns(
            collection_id="varchar",
            cluster="varchar",
            first_hour="timestamp",
            last_hour="timestamp",
            collected_at="timestamp",
            files="bigint",
            rows="bigint",
            bytes="bigint",
            sha256="varchar",
            landed_at="timestamp",
            index_file="varchar",
            index_version="varchar",
        ),
        "container_hours": _columns(
            _collection_id="varchar",
            usage_hour="timestamp",
            cluster="varchar",
            node="varchar",
            instance_type="varchar",
            provider_id="varchar",
            namespace="varchar",
            pod="varchar",
            uid="varchar",
            container="varchar",
            running_hours=AMOUNT,
            cpu_request_core_hours=AMOUNT,
            cpu_usage_core_hours=AMOUNT,
            memory_request_gib_hours=AMOUNT,
            memory_usage_gib_hours=AMOUNT,
            gpu_request_gpu_hours=AMOUNT,
            gpu_usage_gpu_hours=AMOUNT,
            network_receive_gib=AMOUNT,
            network_transmit_gib=AMOUNT,
            disk_read_gib=AMOUNT,
            disk_write_gib=AMOUNT,
        ),
        "node_hours": _columns(
            _collection_id="varchar",
            usage_hour="timestamp",
            cluster="varchar",
            node="varchar",
            instance_type="varchar",
            provider_id="varchar",
            zone="varchar",
            node_pool="varchar",
            running_hours=AMOUNT,
            cpu_capacity_core_hours=AMOUNT,
            memory_capacity_gib_hours=AMOUNT,
            gpu_capacity_gpu_hours=AMOUNT,
            cpu_allocatable_core_hours=AMOUNT,
            memory_allocatable_gib_hours=AMOUNT,
            gpu_allocatable_gpu_hours=AMOUNT,
        ),
        "volume_hours": _columns(
            _collection_id="varchar",
            usage_hour="timestamp",
            cluster="varchar",
            volume="varchar",
            volume_id="varchar",
            storage_class="varchar",
            namespace="varchar",
            claim="varchar",
            capacity_gib_hours=AMOUNT,
        ),
        "pods": _columns(
            _collection_id="varchar",
            usage_hour="timestamp",
            cluster="varchar",
            namespace="varchar",
            pod="varchar",
            uid="varchar",
            workload_kind="varchar",
            workload_name="varchar",
            labels="json",
        ),
        "namespaces": _columns(
            _collection_id="varchar",
            usage_hour="timestamp",
            cluster="varchar",
            namespace="varchar",
            labels="json",
        ),
        "scrape_hours": _columns(
            _collection_id="varchar",
            usage_hour="timestamp",
            cluster="varchar",
            samples="bigint",
            expected_samples="bigint",
        ),
        "rejects": _columns(
            file="varchar",
            row_number="bigint",
            reason="varchar",
            cluster="varchar",
            usage_hour="timestamp",
            rejected_at="timestamp",
        ),
    },
    "raw_platforms": {
        "deliveries": _columns(
            delivery_id="varchar",
            file="varchar",
            kind="varchar",
            platform="varchar",
            first_hour="timestamp",
            last_hour="timestamp",
            delivered_at="timestamp",
            rows="bigint",
            bytes="bigint",
            sha256="varchar",
            landed_at="timestamp",
        ),
        "usage": _columns(
            _delivery_id="varchar",
            usage_hour="timestamp",
            platform="varchar",
            sub_platform="varchar",
            capacity_pool="varchar",
            lyft_label="varchar",
            usage=AMOUNT,
            unit="varchar",
        ),
        "schedules": _columns(
            _delivery_id="varchar",
            usage_hour="timestamp",
            platform="varchar",
            sub_platform="varchar",
            capacity_pool="varchar",
            lyft_label="varchar",
            proportion=AMOUNT,
        ),
        "rejects": _columns(
            file="varchar",
            row_number="bigint",
            reason="varchar",
            platform="varchar",
            sub_platform="varchar",
            usage_hour="timestamp",
            rejected_at="timestamp",
        ),
    },
}
"""Dataset -> table -> column -> type."""

LEDGERS: Final[dict[str, tuple[str, str]]] = {
    "raw_aws_cur": ("assemblies", "assembly_id"),
    "raw_focus": ("statements", "statement_id"),
    "raw_kubernetes": ("collections", "collection_id"),
    "raw_platforms": ("deliveries", "delivery_id"),
}
"""Per dataset, the table with one row per delivery, written last, and its key: a delivery with a
row there has landed completely."""

PARTS: Final[dict[str, dict[str, str]]] = {
    "raw_aws_cur": {
        "line_items": "_assembly_id",
        "control_totals": "assembly_id",
        "summaries": "assembly_id",
    },
    "raw_focus": {"charges": "_statement_id", "control_totals": "statement_id"},
    "raw_kubernetes": {
        "container_hours": "_collection_id",
        "node_hours": "_collection_id",
        "volume_hours": "_collection_id",
        "pods": "_collection_id",
        "namespaces": "_collection_id",
        "scrape_hours": "_collection_id",
    },
    "raw_platforms": {"usage": "_delivery_id", "schedules": "_delivery_id"},
}
"""Per dataset, the tables of delivered rows, and the column that names the delivery."""


def decimal_digits(kind: str) -> tuple[int, int]:
    """Precision and scale of a type written `decimal(precision,scale)`."""
    precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
    return int(precision), int(scale)


@dataclass(frozen=True)
class Differences:
    """How the tables of a dataset are not those of this version.

    Attributes:
        missing: The columns that they lack, as `table.column`.
        others: What is otherwise, each in a few words: a column of another type, or one that this
            version does not know.
    """

    missing: tuple[str, ...]
    others: tuple[str, ...]


def differences(found: Iterable[tuple[str, str, str, str]]) -> dict[str, Differences]:
    """Compares the raw tables of a warehouse with those of this version.

    Args:
        found: Dataset, table, column and type of every column of the warehouse, as DuckDB's
            information schema has them.

    Returns:
        By dataset, those that are not the same.
    """
    there = {(dataset, table, column): kind for dataset, table, column, kind in found}
    different = {}
    for dataset, tables in TABLES.items():
        known = {
            (dataset, table, column): kind
            for table, columns in tables.items()
            for column, kind in (columns | {LOAD_ID: "varchar"}).items()
        }
        missing, others = [], []
        for key, kind in known.items():
            name = ".".join(key[1:])
            if key not in there:
                missing.append(name)
            elif _plain(there[key]) != _plain(kind):
                others.append(f"{name} is {there[key]} and not {kind}")
        for of, table, column in there.keys() - known.keys():
            if of == dataset and table in tables:
                others.append(f"{table}.{column} is not known")
        if missing or others:
            different[dataset] = Differences(tuple(missing), tuple(sorted(others)))
    return different


def _plain(kind: str) -> str:
    """A type in one spelling."""
    return kind.replace(" ", "").lower()
