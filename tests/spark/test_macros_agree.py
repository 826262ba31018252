"""Macros that differ between engines mean the same: the same answers to hostile questions."""

import json
import os
import subprocess
from pathlib import Path

from infraspend.builder.dbt import DBT, DBT_ON_SPARK
from tests.workspaces import ROOT

# The jinja of an expression; a text in it is written with sql_text, as each engine writes it.
EXPRESSIONS = {
    "sigma": "normalized_label(sql_text('ΑΣ'))",
    "dotted": "normalized_label(sql_text('İSTANBUL ẞ'))",
    "spaces": "normalized_label(sql_text('\\u00a0 \\u2003Team\\u2028\\n '))",
    "other_spaces": "normalized_label(sql_text('\\u000b Team\\u0085'))",
    "blank": "normalized_label(sql_text(' \\t '))",
    "composed": "nfc(sql_text('e\\u0301\\u0323'))",
    "not_composed": "nfc('cast(null as ' ~ dbt.type_string() ~ ')')",
    **{
        f"key_{number}": f"json_value(sql_text(document), {key!r})"
        for number, key in enumerate(["a/b", "q'q", 'd"d', "t~t", "*", "a.b", "é", "[0]", "no"])
    },
    "line_end": "matches_pattern(sql_text('a\\n'), 'a$')",
    "next_line": "matches_pattern(sql_text('a\\u0085'), '^a.$')",
    "dollar_in_class": "matches_pattern(sql_text('x$'), '[$]')",
    "escaped_dollar": "matches_pattern(sql_text('costs $5'), '\\\\$5')",
    "other_case": "matches_pattern(sql_text('CAFÉ'), '(?i)café')",
    "quote": 'matches_pattern(sql_text("it\'s"), "\'s$")',
    "second_group": "regexp_capture(sql_text('team-rides-7'), '^team-([a-z]+)-(\\\\d+)$', 2)",
    "optional_group": "regexp_capture(sql_text('team'), '^team(-x)?$', 1)",
    "no_match": "regexp_capture(sql_text('other'), '^team-([a-z]+)$', 1)",
    "bad_pattern": "is_bad_pattern('bad')",
    "good_pattern": "is_bad_pattern('good')",
    "family": "family_of(sql_text('r5.large.search'))",
    "instance": "instance_of(sql_text('aws:///us-east-1a/i-1'))",
    "below_zero": "floor_divide('-7', '2')",
    "even": "floor_divide('-8', '2')",
    "nearly_one": "floor_divide('" + "9" * 37 + "', '1" + "0" * 36 + "1')",
    "just_below": f"floor_divide('{3 * 10**26 - 1}', '{3 * 10**12}')",
    "just_below_zero": f"floor_divide('{-3 * 10**26 - 1}', '{3 * 10**12}')",
    "last_digit": "units('cast(-9999.9999999999 as decimal(25, 10))')",
    "digits": "units('cast(-10000.0000000001 as decimal(25, 10))')",
    "half_unit": "units('cast(0.00000000005 as decimal(25, 11))')",
    "of_units": "from_units('12345678901', 'decimal(25, 10)')",
    "part": "part_of('cast(2 as decimal(25, 10))', 'cast(3 as decimal(25, 10))')",
    "hours": "hours_between(january, march)",
    "earlier": "plus_hours(march, '-25')",
}
# Rows, because DuckDB compiles the pattern of a constant before it tries anything.
PATTERNS = "(select '[a' as bad, '[a]+' as good union all select '(a', '(a)') as patterns"
DOCUMENT = json.dumps(
    {"a/b": "slash", "q'q": "quote", 'd"d': 'say "x"', "t~t": "tilde", "*": "star", "a.b": "dot",
     "a": {"b": "nested"}, "é": "ü", "[0]": "index"}
)  # fmt: skip

# Ties, a group without weight, parts below zero, NULLs, and totals that need more than 38 digits.
WEIGHTS = [
    *(("thirds", name, "1", "7") for name in "bca"),
    *(("nobody", name, "0", "10") for name in "xyz"),
    *(("refund", name, weight, "-11") for name, weight in (("a", "5"), ("b", "2"), ("c", "2"))),
    *(("uneven", name, weight, "1000003") for name, weight in (("a", "1"), ("b", "999"))),
    *(("huge", name, weight, "100") for name, weight in (("a", "9" * 29), ("b", "7" * 29))),
    ("null", None, "1", "3"),
    ("null", "a", "1", "3"),
]  # fmt: skip


def test_macros_give_the_same_answers(tmp_path: Path) -> None:
    columns = ",\n".join(
        f"cast({{{{ {expression} }}}} as {{{{ dbt.type_string() }}}}) as {name}"
        for name, expression in EXPRESSIONS.items()
    )
    query = f"""
        {{% set document = {DOCUMENT!r} %}}
        {{% set january = "timestamp '2026-01-31 23:00:01'" %}}
        {{% set march = "timestamp '2026-03-01 00:00:00'" %}}
        select {columns} from {PATTERNS}
    """
    ours, theirs = answers(query, tmp_path)
    assert ours == theirs
    # It was asked something.
    assert ours[0]["key_0"] == "slash"
    assert ours[0]["sigma"] == "\N{GREEK SMALL LETTER ALPHA}\N{GREEK SMALL LETTER SIGMA}"


def test_wholes_are_allocated_alike(tmp_path: Path) -> None:
    rows = " union all ".join(
        f"select '{group}' as pool, {'null' if name is None else repr(name)} as lyft_label, "
        f"cast({weight} as {{{{ whole_number() }}}}) as weight, "
        f"cast({whole} as {{{{ whole_number() }}}}) as whole"
        for group, name, weight, whole in WEIGHTS
    )
    allocated = "of='weights', by=['pool'], weight='weight', ties=['lyft_label'], keep=['weight']"
    query = f"""
        with weights as ({rows}),
        smaller as (select * from weights where pool <> 'huge'),
        {{{{ allocate_largest_remainder(
            'whole', {allocated.replace("'weights'", "'smaller'")}, whole='max(whole)'
        ) }}}},
        {{{{ allocate_largest_remainder('parts', {allocated}) }}}},
        units as (
            select pool, lyft_label, allocated_units, 1 as run from whole
            union all
            select pool, lyft_label, allocated_units, 2 as run from parts
        )
        select pool, lyft_label, cast(allocated_units as {{{{ dbt.type_string() }}}}) as units, run
        from units
        order by run, pool, lyft_label nulls first
    """
    ours, theirs = answers(query, tmp_path)
    assert ours == theirs
    assert sum(int(row["units"]) for row in ours if row["pool"] == "refund") == 10**10 - 11


def test_names_are_listed_alike(tmp_path: Path) -> None:
    names = ("'web'", "'api'", "cast(null as {{ dbt.type_string() }})", "'web'", "'Web'")
    rows = " union all ".join(f"select {name} as name" for name in names)
    ours, theirs = answers(
        f"with named as ({rows}) select {{{{ names_of('name') }}}} as names from named", tmp_path
    )
    assert ours == theirs == [{"names": "Web, api, web"}]


def answers(query: str, home: Path) -> list[list[dict[str, str | None]]]:
    """What DuckDB and Spark answer to a query, written in jinja."""
    show = ("show", "--inline", query, "--output", "json", "--limit", "100")
    run_dbt(home, *DBT, "run-operation", "create_functions", "--target", "duckdb")
    found = []
    for command, target in ((DBT, "duckdb"), (DBT_ON_SPARK, "spark")):
        said = run_dbt(home, *command, "-q", *show, "--target", target)
        found.append(json.loads(said[said.index("{\n") :])["show"])
    return found


def run_dbt(home: Path, *command: str) -> str:
    """What dbt prints."""
    run = subprocess.run(
        [*command, "--target-path", str(home / "target"), "--log-path", str(home / "logs")],
        cwd=ROOT,
        env=os.environ | {"INFRASPEND_WAREHOUSE": str(home / "warehouse.duckdb")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return run.stdout
