"""Marts made up in the shapes of their contracts, published, and a warehouse with a record."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infraspend.publishers.notifying import Notified, notify
from tests.dashboard.contracts import create_marts
from tests.notifying.receivers import Mailbox, Webhook, mailbox
from tests.workspaces import ROOT

DASHBOARD = "https://finops.example.com/dashboard"


@dataclass
class World:
    """Marts, a record of builds, and services that listen."""

    root: Path
    hook: Webhook
    box: Mailbox
    port: int

    @property
    def warehouse(self) -> Path:
        return self.root / "infraspend.duckdb"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def services(self) -> Path:
        return self.root / "notify.yml"

    def put(self, table: str, *rows: dict[str, object]) -> None:
        """Puts rows into a mart; columns that a row does not name are NULL."""
        with duckdb.connect(str(self.published / "infraspend.duckdb")) as connection:
            connection.execute("begin")
            for row in rows:
                names, values = ", ".join(row), ", ".join("?" for _ in row)
                connection.execute(
                    f"insert into marts.{table} ({names}) values ({values})", list(row.values())
                )
            connection.execute("commit")

    def change(self, sql: str) -> None:
        """Changes the marts."""
        with duckdb.connect(str(self.published / "infraspend.duckdb")) as connection:
            connection.execute(sql)

    def record(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks or changes the warehouse."""
        with duckdb.connect(str(self.warehouse)) as connection:
            return connection.execute(sql).fetchall()

    def notify(self, **options: Any) -> Notified:
        """Runs `notify`."""
        return notify(
            self.published, self.warehouse, ROOT, self.services, dashboard=DASHBOARD, **options
        )

    def heard(self, **options: Any) -> list[tuple[str, str, str]]:
        """What the web server gets of a run."""
        self.notify(**options)
        return self.hook.taken()

    def serve(self, *tags: str) -> None:
        """Writes the file of services: a path of the web server for each tag, and mail."""
        lines = ["version: 1", "template:", "  - ADDRESS", "urls:"]
        for tag in tags:
            lines += [f"  - {self.hook.url(tag)}:", f"      tag: {tag}"]
        mail = f"mailto://127.0.0.1:{self.port}?from=infraspend@example.com&to=${{ADDRESS}}"
        lines += [f'  - "{mail}":', "      tag: mail"]
        self.services.write_text("\n".join(lines) + "\n")
        self.services.chmod(0o600)


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which nothing is wrong."""
    made = World(tmp_path_factory.mktemp("quiet"), Webhook(), Mailbox(), 0)
    made.published.mkdir()
    with duckdb.connect(str(made.published / "infraspend.duckdb")) as connection:
        create_marts(connection)
    made.record("create schema pipeline")
    made.record("create table pipeline.results as select timestamp '2026-11-28 06:00' as noted_at")
    made.record("create table pipeline.unproven (node varchar, why varchar)")
    made.put(
        "time_spine",
        *(
            {"date_day": day, "date_month": day[:7], "is_complete": True, "days_back": 56 - place}
            for place, day in enumerate(days(56))
        ),
    )
    # Two dollars a day of a team that is reached by mail.
    made.put("daily_spend", *(spent(day, "api", 2) for day in days(56)))
    made.put(
        "contacts",
        {"team": "web", "contact": "web@example.com"},
        {"team": "web", "platform": "k8s", "sub_platform": "blue", "contact": "oncall"},
    )
    made.hook.close()
    return made.root


@pytest.fixture
def world(quiet: Path, tmp_path: Path) -> Iterator[World]:
    shutil.copytree(quiet, tmp_path / "world")
    hook = Webhook()
    with mailbox() as (box, port):
        made = World(tmp_path / "world", hook, box, port)
        made.serve("finops", "oncall")
        yield made
    hook.close()


def days(count: int) -> list[str]:
    """As many days as that, up to the last day of the bill."""
    found = duckdb.execute(
        "select cast(date '2026-11-28' - cast(range as int) as varchar) from range(?) order by all",
        [count],
    ).fetchall()
    return [day for (day,) in found]


def spent(day: str, label: str, spend: object, **more: object) -> dict[str, object]:
    """A row of daily_spend."""
    return {
        "usage_date": day,
        "billing_period": day[:7],
        "is_period_charge": False,
        "account_id": "111122223333",
        "lyft_label": label,
        "current_team": "web",
        "product": "AmazonEC2",
        "charge_class": "usage",
        "spend": spend,
        **more,
    }


def health(
    day: str, *, missing: int = 0, interpolated: int = 0, **more: object
) -> dict[str, object]:
    """A row of platform_health, of k8s: blue."""
    return {
        "usage_date": day,
        "platform": "k8s",
        "sub_platform": "blue",
        "expected": 24,
        "measured": 24 - missing - interpolated,
        "missing": missing,
        "interpolated": interpolated,
        "status": "missing" if missing else "interpolated" if interpolated else "good",
        "spend_at_stake": missing + interpolated,
        **more,
    }
