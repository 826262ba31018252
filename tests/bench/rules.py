"""What label rules cost: a bill of many keys, built with ever more rules.

    python -m tests.bench.rules [--keys 100000] [--memory 1GB] [RULES ...]

Every line of the bill is a key of its own: a service, an account and a resource that no other has.
Rules look at tags, resources, accounts and namespaces, and each recognises a few of the lines. Each
number of rules is built from scratch, in a process of its own.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import build
from tests.end_to_end.companies import TEAM, Company
from tests.loaders.bills import charge, deliver_legacy, text_of

RULES = (7, 500, 5000)
_TAG = "resourceTags/user:service"


def begin(root: Path, keys: int) -> Company:
    """A company whose bill has been landed: a line for each key."""
    company = Company(root, root)
    lines = [
        dict(
            charge(
                lineItem__UsageAccountId=f"{number % 1000:012}",
                lineItem__ProductCode="AmazonEC2",
                lineItem__UsageType="BoxUsage",
                lineItem__Operation="RunInstances",
                lineItem__ResourceId=f"arn:aws:ec2:us-east-1:1:instance/app-{number}-x",
            )
        )
        | {_TAG: f"service-{number}" if number % 2 else ""}
        for number in range(keys)
    ]
    deliver_legacy(company.bill, text_of(lines))
    company.load()
    return company


def rules(count: int) -> list[dict[str, str]]:
    """So many rules, of four kinds in turn."""
    kinds = (
        lambda n: ("tag", "user_service", "equals", f"service-{n}"),
        lambda n: ("resource_id", "", "regex", f"^arn:.*/app-{n}-x$"),
        lambda n: ("account", "", "equals", f"{n:012}"),
        lambda n: ("namespace", "", "equals", f"namespace-{n}"),
    )
    columns = ("match_on", "match_key", "match_type", "match_value")
    return [
        {"rule_order": str(number + 1), "lyft_label": f"label-{number}"}
        | dict(zip(columns, kinds[number % len(kinds)](number), strict=True))
        for number in range(count)
    ]


def report(company: Company, count: int, memory: str) -> None:
    """Builds everything with so many rules, and prints what that took."""
    company.declare(label_rules=rules(count), teams=[TEAM])
    cost = build.measured(
        [
            str(Path(sys.executable).with_name("infraspend")),
            *("build", "--full-refresh"),
            *("--warehouse", str(company.warehouse), "--seeds", str(company.seeds)),
        ],
        {"INFRASPEND_MEMORY": memory},
        company.warehouse.with_name(f"{company.warehouse.name}.tmp"),
    )
    labels = company.one("select count(distinct lyft_label) from marts.true_cost")
    print(
        f"{count:,} rules, {labels:,} labels: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s,"
        f" {cost.memory / 2**20:,.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("counts", nargs="*", type=int, default=RULES, metavar="RULES")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--memory", default="1GB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        company = begin(Path(folder), options.keys)
        for count in options.counts:
            report(company, count, options.memory)
