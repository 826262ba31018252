"""The dashboard says what the marts say, asks nobody, and shows hostile names as text."""

import html
import re
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.dashboard import wording, write_dashboard
from tests.dashboard.contracts import create_marts
from tests.dashboard.pictures import PICTURES, take
from tests.workspaces import ROOT

HOSTILE = [
    "<script>document.title='broken'</script>",
    '"><img src=x onerror=alert(1)>',
    "../../etc/passwd",
    "\u202egnp.exe\x00",
    "</script><!--",
    "{{ 7 * 7 }}",
    "x" * 65_536,
]
DAYS = 60
# Of a cluster's 2.40 an hour lyftlearn has 6 of 8 GPU-hours, and of that pricing 20 of 60 jobs, or
# 30 in the last hour of the last complete day.
A_WAY = """
    insert into marts.explained_splits by name
    with steps as (
        select * from (values
            (1, 'k8s: ml-0 (all, gpu)', 'lyftlearn', 6, 8, 'GPU-hours requested', 2.4, 1.8),
            (2, 'lyftlearn: jobs (all, usage)', 'pricing', 20, 60, 'notebook jobs', 1.8, 0.6)
        ) as steps (
            step, step_name, usage_label, usage, total_usage, unit, spend_before, spend_after
        )
    )
    select
        steps.* replace (
            case when step = 2 and usage_hour = '2026-11-20 23:00' then 30 else usage end as usage,
            case when step = 2 and usage_hour = '2026-11-20 23:00' then 0.9 else spend_after end
                as spend_after
        ),
        usage_hour,
        cast(usage_hour as date) as usage_date,
        1 as interval_hours,
        false as is_period_charge,
        'pricing' as lyft_label,
        'k8s: ml-0 (all, gpu) > lyftlearn: jobs (all, usage)' as way,
        'lyftlearn > pricing' as usage_of,
        'pushed' as basis
    from steps
    cross join (
        select unnest([
            timestamp '2026-11-20 22:00', '2026-11-20 23:00', '2026-11-21 00:00'
        ]) as usage_hour
    );
    insert into marts.explained_spend by name
    select
        usage_date,
        sum(spend_after) as spend,
        sum(2.4) as charge_true_cost,
        count(*) as hours,
        false as is_period_charge,
        lyft_label,
        'AmazonEC2' as product,
        'ml-0' as source_label,
        way,
        usage_of,
        basis
    from marts.explained_splits
    where step = 2
    group by all
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every mart by its contract; only spend and the invoice have rows."""
    folder = tmp_path_factory.mktemp("published")
    with duckdb.connect(folder / "infraspend.duckdb") as connection:
        create_marts(connection)
        rows = [
            (day, label, Decimal(place + 1) + Decimal(ago) / 1000)
            for place, label in enumerate(["pricing", "unlabeled", *HOSTILE])
            for ago in range(DAYS)
            for day in [date(2026, 11, 20) - timedelta(days=ago)]
        ]
        connection.executemany(
            "insert into marts.daily_spend by name select $1 as usage_date, $2 as lyft_label, "
            "$3 as spend, strftime($1, '%Y-%m') as billing_period, 'a-team' as team, "
            "'a-team' as current_team, 'an-org' as org, 'an-org' as current_org, "
            "'123456789012' as account_id, 'usage' as charge_class, false as is_period_charge",
            rows,
        )
        # The bill reaches into the day after the last whole one.
        connection.execute(
            "insert into marts.time_spine by name select"
            " date '2026-11-21' - range::int as date_day, range > 0 as is_complete,"
            " nullif(range, 0) as days_back from range(?)",
            [DAYS + 1],
        )
        connection.execute(
            "insert into marts.daily_spend by name from (from marts.daily_spend"
            " where usage_date = date '2026-11-20' and lyft_label = 'pricing')"
            " select * replace (date '2026-11-21' as usage_date, 0.5 as spend)"
        )
        connection.execute(A_WAY)
        connection.execute(
            "insert into marts.invoice_bridge by name select '2026-11' as billing_period,"
            " '111122223333' as payer_account_id, true as is_complete, bridge_item, item_order,"
            " amount from (values ('invoice', 1, 10.5), ('unexplained', 13, 0),"
            " ('true_cost', 14, 10.5)) as steps (bridge_item, item_order, amount)"
        )
    return folder


@pytest.fixture(scope="module")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("site") / "dashboard"
    return write_dashboard(published, to, ROOT).index.parent


def text_of(path: Path) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", path.read_text()))


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("USD", "$"), ("EUR", "\u20ac"), ("GBP", "\u00a3"), ("CHF", "CHF\u00a0")],
)
def test_amounts_have_the_sign_or_the_code_of_their_currency(currency: str, shown: str) -> None:
    assert wording.money(Decimal("1234.5"), currency) == f"{shown}1,234.50"
    assert wording.money(Decimal("-0.001"), currency) == f"\u2212{shown}0.0010"


def test_every_service_shows_what_the_mart_says(published: Path, site: Path) -> None:
    with duckdb.connect(published / "infraspend.duckdb", read_only=True) as connection:
        spends = connection.execute(
            "select lyft_label, sum(spend) from marts.daily_spend "
            "where usage_date between date '2026-11-20' - 27 and '2026-11-20' group by lyft_label"
        ).fetchall()
        ((week, week_before),) = connection.execute(
            "select sum(spend) filter (usage_date >= '2026-11-14'),"
            " sum(spend) filter (usage_date < '2026-11-14') from marts.daily_spend where"
            " lyft_label = 'pricing' and usage_date between '2026-11-07' and '2026-11-20'"
        ).fetchall()
    listed = text_of(site / "services.html")
    for label, spend in spends:
        assert wording.money(spend, "USD") in listed
        page = text_of(site / "services" / wording.file_name(label))
        assert wording.money(spend, "USD") in page
    # Whole weeks: not the day that still goes on.
    changed = text_of(site / "services" / wording.file_name("pricing")).partition("since last week")
    assert f"{wording.money(week, 'USD')}   {wording.money(week_before, 'USD')}" in re.sub(
        r"[ \n]+", "   ", changed[2]
    )


def test_every_platform_on_the_way_shows_a_sum_to_redo(site: Path) -> None:
    page = (site / "services" / wording.file_name("pricing")).read_text()

    def rows_of(chart: str) -> list[list[str]]:
        body = page.partition(f'id="{chart}"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
        return [
            [html.unescape(text) for text in re.findall(r"<bdi>(.*?)</bdi>", row, re.DOTALL)]
            for row in body.split("</tr>")[:-1]
        ]

    (why,) = rows_of("service_why")
    assert why[:2] == ["$1.50", "$4.80"]
    assert "k8s: ml-0 (all, gpu) > lyftlearn: jobs (all, usage)" in why
    # Longer than a name may be, and whole.
    usage = "lyftlearn 12.00 of 16.00 GPU-hours requested > pricing 50.00 of 120.00 notebook jobs"
    assert usage in why
    first, second = rows_of("service_sums")
    assert first[:6] == [
        *("20 Nov 2026 23:00", "1 of 2", "k8s: ml-0 (all, gpu)", "$2.4000000000", "6", "8"),
    ]
    for _, _, _, before, usage, total, _, after, *_ in (first, second):
        share = Decimal(before[1:]) * Decimal(usage) / Decimal(total)
        assert share == Decimal(after[1:])
    assert second[3] == first[7]
    assert second[7] == "$0.9000000000"


def test_every_page_of_a_hostile_name_is_inert(site: Path) -> None:
    for label in HOSTILE:
        page = site / "services" / wording.file_name(label)
        text = page.read_text()
        assert page.parent == site / "services"
        assert text.count("<script") == 3
        assert "<img" not in text
        assert html.escape(wording.name(label), quote=False).split("&")[0] in text


@pytest.mark.parametrize(
    "page",
    [
        *("index.html", "services.html", "platforms.html"),
        *(f"services/{wording.file_name(label)}" for label in HOSTILE),
    ],
)
def test_a_browser_finds_nothing_wrong(site: Path, browser: Any, page: str) -> None:
    path = site / page
    said: list[str] = []
    asked: list[str] = []
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: said.append(dialog.message))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(path.as_uri())
    tab.wait_for_selector("body[data-ready]", timeout=30_000)
    assert said == []
    allowed = (site.as_uri(), "data:")
    assert [url for url in asked if not url.startswith(allowed)] == []
    assert "broken" not in tab.title().replace("document.title='broken'", "")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tab.close()


def test_the_pictures_of_the_readme_can_be_taken(site: Path, browser: Any, tmp_path: Path) -> None:
    taken = take(browser, site, tmp_path, "pricing-")

    assert {path.stem for path in taken} == {path.stem for path in PICTURES.glob("*.png")}
    readme = (ROOT / "README.md").read_text()
    for path in taken:
        # A page without anything on it would be smaller.
        assert path.stat().st_size > 20_000
        assert f"docs/pictures/{path.name}" in readme


def test_without_a_published_file_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InfraspendError, match="run infraspend publish"):
        write_dashboard(tmp_path, tmp_path / "to", ROOT)


def test_a_file_of_another_version_is_named(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "infraspend.duckdb") as connection:
        connection.execute("create schema marts; create table marts.daily_spend (a int)")
    with pytest.raises(InfraspendError, match="no such mart"):
        write_dashboard(tmp_path, tmp_path / "to", ROOT)
    assert not (tmp_path / "to").exists()


def test_what_is_no_dashboard_is_not_replaced(published: Path, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(InfraspendError, match="something else"):
        write_dashboard(published, tmp_path, ROOT)
    assert (tmp_path / "letters.txt").read_text() == "dear"


def test_it_is_replaced_whole(published: Path, tmp_path: Path) -> None:
    to = tmp_path / "dashboard"
    write_dashboard(published, to, ROOT)
    (to / "services" / "gone.html").write_text("")
    write_dashboard(published, to, ROOT)
    assert not (to / "services" / "gone.html").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"dashboard", ".dashboard.lock"}


def test_what_a_killed_run_moved_aside_comes_back(published: Path, tmp_path: Path) -> None:
    to, aside = tmp_path / "dashboard", tmp_path / ".dashboard.aside"
    write_dashboard(published, to, ROOT)
    aside.mkdir()
    to.rename(aside / "old")
    # A chart that cannot be drawn ends the run before anything is replaced.
    with duckdb.connect(tmp_path / "infraspend.duckdb") as connection:
        connection.execute("create schema marts")
    with pytest.raises(InfraspendError):
        write_dashboard(tmp_path, to, ROOT)
    assert (aside / "old" / "index.html").exists()
    write_dashboard(published, to, ROOT)
    assert (to / "index.html").exists()
    assert not aside.exists()


def test_two_runs_do_not_write_the_same_directory(published: Path, tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".dashboard.lock"),
        pytest.raises(InfraspendError, match="being written by another run"),
    ):
        write_dashboard(published, tmp_path / "dashboard", ROOT)


@pytest.mark.parametrize(
    "folder", ["infraspend/publishers/dashboard/vendor", "tests/vendor/axe-core"]
)
def test_assets_of_others_are_as_they_were_published(folder: str) -> None:
    sums = (ROOT / folder / "SHA256SUMS").read_text().split()
    for expected, name in zip(sums[::2], sums[1::2], strict=True):
        assert sha256((ROOT / folder / name).read_bytes()).hexdigest() == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "services.html", "platforms.html", "invoice.html"])
def test_everybody_can_read_a_page(site: Path, browser: Any, page: str, scheme: str) -> None:
    """By axe-core's rules, which the policy of the page would not let in."""
    tab = browser.new_page(color_scheme=scheme, bypass_csp=True)
    tab.goto((site / page).as_uri())
    tab.wait_for_selector("body[data-ready]", timeout=30_000)
    tab.add_script_tag(path=ROOT / "tests/vendor/axe-core/axe.min.js")
    found = tab.evaluate(
        "axe.run().then(all => all.violations.map(one => [one.id, one.nodes[0].html]))"
    )
    tab.close()
    assert found == []


def test_services_without_a_page_are_counted(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infraspend.publishers.dashboard.site._MOST_PAGES", 3)

    written = write_dashboard(published, tmp_path / "dashboard", ROOT)

    assert written.without_page == {"services": len(HOSTILE) + 2 - 3}
    assert len(list((tmp_path / "dashboard" / "services").iterdir())) == 3
