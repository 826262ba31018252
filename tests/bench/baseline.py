"""The same marts by statements written by hand for one landed company: the yardstick of a build.

    python -m tests.bench.baseline WAREHOUSE

What the models do in steps that people can read and that hold for everybody's bill, the statements
in `statements/` do as a person would who has one bill, one afternoon and a profiler. They keep to
the shapes that win: dimensions become integers once, at the start; money and usage are summed in
integers; a schedule, a pool and a split are joined by one integer; a label rule is a constant and
is asked once per distinct combination; nothing is split that no charge asks for; texts come back
at the very end, from small tables.

They do the whole work and nothing else. What a company of the simulation does not have is left
out: payers with discounts as lines of their own, platforms pooled by node, schedules of more than
an hour, platforms that change. `check` statements stop the run where that does not hold. Each mart
is compared with the one that the build made, row by row, and a difference stops the run as well.

Names are short here, since the same few keys stand in every statement: `sp` is a sub-platform, `s`
a schedule (a sub-platform's, for a cost model and a pool), `g` a schedule in an hour, `l` a label,
`pid` a pool (`all` is the first), `cid` what a charge is to the split, `wid` a workload.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import jinja2

from infraspend.loaders.sql import literal

MARTS = (
    "true_cost",
    "attribution_schedule",
    "enriched_spend",
    "daily_spend",
    "unallocated_capacity",
    "workload_spend",
    "kubernetes_efficiency",
)

_SQL = Path(__file__).with_name("statements")
# Not `.sql`: what ends so under `tests/` is a test to dbt.
_FILES = tuple(f"{name}.sql.jinja" for name in ("price", "weigh", "split", "workloads", "checks"))
_RESERVED = (
    "('free', 'unattributed', 'unlabeled', '_unused_ri', '_unused_sp', '_unallocated_discount')"
)
#: A key of a schedule in an hour is the schedule's number times this, and the hour.
_HOURS = 1 << 23
_TEN_DIGITS = 10_000_000_000
_NAMESPACES = ("namespace", "pod_label")

#: What a line item is, but for its hour and its amounts.
_LINE_ATTRIBUTES = {
    "payer": "bill_payer_account_id",
    "account": "line_item_usage_account_id",
    "period_from": "bill_billing_period_start_date",
    "line_type": "line_item_line_item_type",
    "entity": "bill_billing_entity",
    "product": "line_item_product_code",
    "usage_type": "line_item_usage_type",
    "operation": "line_item_operation",
    "region_code": "product_region_code",
    "instance_type": "product_instance_type",
    "product_map": "product",
    "tags": "resource_tags",
    "term": "pricing_term",
    # Only what a rule recognises by its id keeps it.
    "resource": "case when line_item_resource_id like 'demo-%'"
    " or line_item_resource_id like 'arn:aws:dynamodb:%' then line_item_resource_id else '' end",
    "reservation": "reservation_reservation_a_r_n",
    "plan": "savings_plan_savings_plan_a_r_n",
    "refund_of": "case when line_item_line_item_type = 'Refund'"
    " then line_item_line_item_description end",
    "listed": "pricing_public_on_demand_cost > 0",
    "hours": "case when line_item_usage_end_date > line_item_usage_start_date + interval 1 hour"
    " then greatest(date_diff('hour', cast(substr(identity_time_interval, 1, 19) as timestamp),"
    " line_item_usage_end_date), 1) end",
}


class BaselineError(Exception):
    """The statements do not fit this company, or made something else than the build."""


@dataclass(frozen=True)
class Cost:
    """What a statement cost.

    Attributes:
        stage: The stage of the build that does this work.
        name: What the statement makes.
        cpu: CPU seconds of all threads.
        wall: Seconds on the clock.
    """

    stage: str
    name: str
    cpu: float
    wall: float


def run(warehouse: Path, directory: Path, threads: int = 2, memory: str = "3GB") -> list[Cost]:
    """Makes the marts by hand, and compares them with the build's.

    Args:
        warehouse: A warehouse that `infraspend build` built; only read.
        directory: Where the marts are written, and what does not fit into memory.
        threads: How many threads DuckDB may use.
        memory: How much memory DuckDB may use.

    Raises:
        BaselineError: A mart differs from the build's, or a statement does not fit the company.
    """
    with duckdb.connect(directory / "baseline.duckdb") as connection:
        connection.execute(f"set threads = {threads}")
        connection.execute(f"set memory_limit = {literal(memory)}")
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach {literal(str(warehouse))} as w (read_only)")
        costs = [cost for file in _FILES for cost in _run_file(connection, file)]
        for mart in MARTS:
            _compare(connection, mart)
    return costs


def _run_file(connection: duckdb.DuckDBPyConnection, file: str) -> Iterator[Cost]:
    """Runs the statements of a file, one by one; the first may only read what was there before."""
    for block in re.split(r"^(?=-- [a-z]+: )", (_SQL / file).read_text(), flags=re.MULTILINE):
        if not block.strip():
            continue
        header, statements = block.split("\n", 1)
        stage, name = header.removeprefix("-- ").split(": ", 1)
        statements = _rendered(connection, statements)
        cpu, wall = time.process_time(), time.perf_counter()
        ((answer, *_),) = connection.execute(statements).fetchall()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if stage == "check" and not answer:
            raise BaselineError(f"the baseline does not fit this company: not so that {name}")
        if stage == "test" and answer:
            raise BaselineError(f"{answer} groups fail the baseline's test of {name}")
        if stage != "check":
            yield Cost(stage, name, cpu, wall)


def _rendered(connection: duckdb.DuckDBPyConnection, statements: str) -> str:
    """The statements with their macros, rules and constants written out."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(_SQL), autoescape=False)
    allocate = environment.get_template("allocate.jinja").module.allocate  # type: ignore[attr-defined]
    era = _rule_era(connection)
    attributes = _LINE_ATTRIBUTES | {"era": era}
    return environment.from_string(statements).render(
        allocate=allocate,
        hour_of=lambda time: f"cast(epoch({time}) // 3600 as bigint)",
        units=lambda amount: f"cast({amount} * {_TEN_DIGITS}::decimal(11, 0) as bigint)",
        wide_units=lambda amount: (
            f"cast(cast({amount} as decimal(38, 10)) * {_TEN_DIGITS}::decimal(11, 0) as hugeint)"
        ),
        normalized=_normalized,
        charge_rules=_Rules(connection, of_namespaces=False),
        namespace_rules=_Rules(connection, of_namespaces=True),
        reserved=_RESERVED,
        line_attributes=attributes,
        line_key=f"hash({', '.join(attributes.values())})",
        hours=_HOURS,
        one=_TEN_DIGITS,
        parts=27_720,
        shares=277_200_000_000_000_000_000,
        free="(select l from label where label = 'free')",
        unattributed="(select l from label where label = 'unattributed')",
        whole=0,
    )


def _rule_era(connection: duckdb.DuckDBPyConnection) -> str:
    """The last moment up to a line's start at which any rule begins or ends."""
    changes = connection.execute(
        "select distinct cast(unnest([valid_from, valid_until]) as varchar)"
        " from w.staging.stg_seeds__label_rules order by all desc"
    ).fetchall()
    cases = "".join(
        f" when line_item_usage_start_date >= timestamp '{change}' then timestamp '{change}'"
        for (change,) in changes
    )
    return f"case{cases} end"


def _normalized(text: str) -> str:
    return rf"nullif(lower(regexp_replace({text}, '^[\s\p{{Z}}]+|[\s\p{{Z}}]+$', '', 'g')), '')"


class _Rules:
    """The label rules as constants.

    Attributes:
        which: The expression that finds the rule that wins.
        label: The expression for the label that it gives.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, of_namespaces: bool) -> None:
        rows = connection.execute(
            "select rule_order, match_on, match_key, match_type, match_value, lyft_label,"
            " cast(valid_from as varchar), cast(valid_until as varchar)"
            " from w.staging.stg_seeds__label_rules order by all"
        ).fetchall()
        rules: dict[int, list[tuple[str, ...]]] = {}
        for order, *row in rows:
            if (row[0] in _NAMESPACES) == of_namespaces:
                rules.setdefault(order, []).append(tuple(row))
        whens, labels = [], []
        for order, conditions in rules.items():
            label = self._label(conditions)
            *_, valid_from, valid_until = conditions[0]
            tests = [self._test(condition) for condition in conditions]
            tests.append(f"hour >= timestamp '{valid_from}'")
            tests.append(f"hour < timestamp '{valid_until}'")
            tests.append(f"{label} not in {_RESERVED}")
            whens.append(f"when {' and '.join(tests)} then {order}")
            labels.append(f"when {order} then {label}")
        self.which = f"case {' '.join(whens)} end"
        self.label = f"case rule {' '.join(labels)} end"

    @staticmethod
    def _looked_at(condition: tuple[str, ...]) -> str:
        on, key, *_ = condition
        if on == "tag":
            return f"json_extract_string(tags, {literal('/' + key)})"
        return {"account": "account", "resource_id": "resource"}.get(on, on)

    @classmethod
    def _test(cls, condition: tuple[str, ...]) -> str:
        kind, value = condition[2:4]
        text = cls._looked_at(condition)
        if kind == "present":
            return f"{_normalized(text)} is not null"
        if kind == "regex":
            return f"regexp_matches({text}, {literal(value)})"
        return f"{text} = {literal(value)}"

    @classmethod
    def _label(cls, conditions: list[tuple[str, ...]]) -> str:
        sources = [condition for condition in conditions if condition[2] != "equals"]
        pieces = []
        for piece in re.split(r"(\{(?:value|[0-9]+)\})", conditions[0][4]):
            if piece == "{value}":
                pieces.append(cls._looked_at(sources[0]))
            elif re.fullmatch(r"\{[0-9]+\}", piece):
                text, pattern = cls._looked_at(sources[0]), literal(sources[0][3])
                pieces.append(f"regexp_extract({text}, {pattern}, {piece[1:-1]})")
            else:
                pieces.append(literal(piece))
        return _normalized(f"concat({', '.join(pieces)})")


def _compare(connection: duckdb.DuckDBPyConnection, mart: str) -> None:
    """Raises BaselineError unless both marts have the same rows, as often.

    Rows are identified by 128 bits of them, so that tens of millions fit into memory.
    """
    columns = ", ".join(
        column for column, *_ in connection.execute(f"describe w.marts.{mart}").fetchall()
    )
    key = f"hash({columns}) as one_half, hash('', {columns}) as other_half"
    ((count,),) = connection.execute(f"""
        select count(*)
        from (
            select one_half, other_half
            from (
                select {key}, 1 as times from {mart}
                union all
                select {key}, -1 as times from w.marts.{mart}
            )
            group by all
            having sum(times) <> 0
        )
    """).fetchall()
    if count:
        raise BaselineError(f"{count} rows of {mart} are only in one of the two marts")


def main() -> None:
    """Prints what each statement cost."""
    parser = argparse.ArgumentParser(description="What the marts cost by hand.")
    parser.add_argument("warehouse", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(
        prefix="infraspend-baseline-", dir=arguments.warehouse.parent
    ) as directory:
        costs = run(arguments.warehouse, Path(directory))
    for cost in costs:
        print(f"{cost.stage:<8}{cost.cpu:9.2f} CPU s {cost.wall:9.2f} s  {cost.name}")
    print(f"{'all':<8}{sum(cost.cpu for cost in costs):9.2f} CPU s")


if __name__ == "__main__":
    main()
