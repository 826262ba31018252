"""What people do with the dashboard in a browser, and that every number on it is the marts'."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from infraspend.loaders.errors import InfraspendError
from infraspend.publishers.dashboard import write_dashboard
from infraspend.publishers.dashboard.charts import Chart, ask, read_charts
from infraspend.publishers.dashboard.site import address_of
from tests.dashboard import company
from tests.dashboard.contracts import create_marts
from tests.workspaces import ROOT

LAST_28 = "between date '2026-11-20' - 27 and date '2026-11-20'"
SPEND = (
    f"select sum(spend) from marts.daily_spend where not is_period_charge and usage_date {LAST_28}"
)
MONTH = "select sum(spend) from marts.daily_spend where is_period_charge"
NUMBERS = {
    ("index.html", "overview_who_spends"): SPEND,
    ("index.html", "overview_unlabeled_products"): f"{SPEND} and lyft_label = 'unlabeled'",
    ("index.html", "overview_month_services"): MONTH,
    ("platforms.html", "platforms_free"): (
        f"select sum(free_spend) from marts.unallocated_capacity where usage_date {LAST_28}"
    ),
    ("machine-learning.html", "ml_work"): (
        "select sum(spend) from marts.workload_spend where usage_date > date '2026-11-20' - 30"
    ),
    ("machine-learning.html", "ml_trials"): (
        "select sum(spend) from marts.workload_spend where usage_date > date '2026-11-20' - 30"
    ),
    ("commitments.html", "commitments_list"): (
        "select sum(commitment_cost) from marts.commitment_usage"
        f" where cast(usage_hour as date) {LAST_28}"
    ),
    ("team", "team_services"): f"{SPEND} and current_team = 'web'",
    ("team", "team_resources"): f"{SPEND} and current_team = 'web'",
    ("team", "team_month_services"): f"{MONTH} and current_team = 'web'",
    ("service", "service_why"): f"{SPEND} and lyft_label = 'cart'",
    ("service", "service_change_why"): f"{SPEND} and lyft_label = 'cart'",
    ("service", "service_usage_types"): f"{SPEND} and lyft_label = 'cart'",
    ("service", "service_month_why"): f"{MONTH} and lyft_label = 'cart'",
    ("service", "service_workloads"): (
        f"select sum(spend) from marts.workload_spend where usage_date {LAST_28}"
    ),
}
"""Page and section -> what its last row adds up to, asked of the marts."""

ROWS = {
    ("index.html", "overview_movers", "unlabeled"): [
        "$1,290.97", "$1,322.65", "\u2212$31.67", "\u22122.4 %",
    ],
    ("migration.html", "migration_services", "search"): ["$495.88", "$58.80", "10.6 %"],
    ("commitments.html", "commitments_list", "a plan"): ["$70.00", "$14.00", "80.0 %", "70.6 %"],
    ("commitments.html", "commitments_expiring", "a plan"): ["Thu 24 Dec 2026", "$70.00"],
    ("machine-learning.html", "ml_trials", "try-it"): ["30", "$121.20", "$30.30"],
    ("service", "service_why", "cart (rule 10: tag user_service present)"): ["$322.74"],
    ("invoice.html", "invoice_closed", "closed"): ["$1,000.11", "$1,000.10", "\u2212$0.01"],
    ("invoice.html", "invoice_waterfall", "Hourly fees of savings plans"): ["\u2212$60.0600000000"],
    ("invoice.html", "invoice_cost_explorer", "Discounts in columns"): ["\u2212$50.5000000000"],
    ("invoice.html", "invoice_restatements", "cart"): ["\u2212$12.34"],
    ("pipeline.html", "pipeline_last_days", "Fri 20 Nov 2026"): ["1,000", "900", "101.0 %"],
    ("platforms.html", "platforms_models", "cart"): ["$7.77", "$5.55", "$2.22"],
    ("platforms.html", "platforms_health", "core-0"): ["$42.00", "672", "644", "28", "1.0 %"],
    ("index.html", "overview_rules", "owner"): ["$77.70", "900,tag,owner,present,,{value},,"],
}  # fmt: skip
"""Page, section and a cell of a row -> further cells of that row, worked out by hand."""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company.publish(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def site(published: Path) -> Path:
    return write_dashboard(published, published / "dashboard", ROOT).index.parent


DOLLARS = ("DECIMAL(38,20)", "DECIMAL(38,18)", "DECIMAL(38,10)")
Opened = Callable[..., Any]


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    """Opens a page, and fails if it says or asks anything that it should not."""
    said: list[str] = []
    context = browser.new_context()

    def go(path: Path, fragment: str = "", **options: Any) -> Any:
        tab = context.new_page() if not options else browser.new_page(**options)
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(path.as_uri() + (f"#{fragment}" if fragment else ""))
        tab.wait_for_selector("body[data-ready]", timeout=30_000)
        return tab

    yield go
    context.close()
    assert said == []


@dataclass(frozen=True)
class Section:
    """What a section of a page shows.

    Attributes:
        rows: The cells of its table.
        foot: The cells of the table's last row, which adds up; empty without one.
        sql: Its SQL.
    """

    rows: list[list[str]]
    foot: list[str]
    sql: str


Shown = Callable[[str], dict[str, Section]]


@pytest.fixture(scope="module")
def shown(site: Path, browser: Any) -> Shown:
    """The sections of a page, as a browser shows them; each page is opened once."""

    @cache
    def read(page: str) -> dict[str, Section]:
        tab = browser.new_page()
        tab.goto(page_of(site, page).as_uri())
        tab.wait_for_selector("body[data-ready]", timeout=30_000)
        found = tab.evaluate(
            """Object.fromEntries([...document.querySelectorAll('section.figure')].map(one => {
                const cells = row => [...row.cells].map(cell => cell.textContent);
                return [one.getAttribute('aria-labelledby'), {
                    rows: [...one.querySelectorAll('tbody tr')].map(cells),
                    foot: [...one.querySelectorAll('tfoot tr')].flatMap(cells),
                    sql: one.querySelector('.sql pre code').textContent,
                }];
            }))"""
        )
        tab.close()
        return {name: Section(**section) for name, section in found.items()}

    return read


def page_of(site: Path, page: str) -> Path:
    return site / {
        "team": address_of("team", "web"),
        "service": address_of("service", "cart"),
    }.get(page, page)


def dollars(amount: Decimal, digits: int = 2) -> str:
    text = f"{abs(amount).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"
    return f"\u2212${text}" if amount < 0 else f"${text}"


def test_org_team_and_service_open_by_clicks(site: Path, opened: Opened) -> None:
    tab = opened(site / "index.html")
    drawn = tab.locator("[data-chart=overview_who_spends] text")
    assert drawn.filter(has_text="models").count() == 1

    drawn.filter(has_text=re.compile("^shop ")).click()
    assert drawn.filter(has_text="models").count() == 0

    drawn.filter(has_text=re.compile("^web ")).click()
    tab.wait_for_url("**/teams/web-*.html")
    tab.locator("#team_services").locator("xpath=..").get_by_role("link", name="cart").click()
    tab.wait_for_url("**/services/cart-*.html")
    assert tab.locator("h1").inner_text() == "service cart"


def test_a_number_opens_its_why(site: Path, opened: Opened, shown: Shown) -> None:
    tab = opened(site / "services.html")
    row = tab.locator("tr", has_text="cart")
    number = row.get_by_role("link").nth(2)
    amount = number.inner_text()
    number.click()
    tab.wait_for_url("**/services/cart-*.html#service_why")
    assert tab.locator("#service_why").is_visible()
    assert shown("service")["service_why"].foot[0] == amount


OPENED = [
    *(("index.html", "overview_movers", "search"), ("services.html", "services_list", "cart")),
    *(
        ("index.html", "overview_unlabeled_products", "AmazonS3"),
        ("teams.html", "teams_list", "web"),
    ),
    *(("team", "team_services", "cart"), ("team", "team_week", "cart")),
    *(("team", "team_resources", "cart"), ("team", "team_effects", "cart")),
    *(("service", "service_changes", "AmazonEC2"), ("service", "service_week", "AmazonEC2")),
    *(("service", "service_usage_types", "AmazonEC2"), ("service", "service_tags", "gp3")),
    *(
        ("platforms.html", "platforms_pools", "c5.18"),
        ("platforms.html", "platforms_tenants", "cart"),
    ),
    *(
        ("commitments.html", "commitments_expiring", "a plan"),
        ("machine-learning.html", "ml_work", "t"),
    ),
]
"""Page, section and a text of a row whose service, team or pool is in no other row."""


@pytest.mark.parametrize(("page", "section", "key"), OPENED)
def test_a_number_opens_rows_that_add_up_to_it(
    site: Path, opened: Opened, shown: Shown, page: str, section: str, key: str
) -> None:
    path = page_of(site, page)
    row = opened(path).locator(f"section:has(#{section}) tbody tr", has_text=key).first
    numbers = row.locator("td.n a")
    assert numbers.count()
    for number in numbers.all():
        to, _, name = number.get_attribute("href").partition("#")
        file = (path.parent / to).resolve() if to else path
        there = shown(str(file.relative_to(site)))[name]
        added = there.foot or [cell for cells in there.rows for cell in cells]
        assert number.inner_text() in added, name


def test_what_no_number_opens_is_a_why_itself_or_the_finest_that_is_published(
    published: Path,
) -> None:
    closed = set()
    with duckdb.connect(published / "infraspend.duckdb", read_only=True) as connection:
        for _, chart in tables():
            answer = ask(connection, chart)
            for column, kind in zip(answer.columns, answer.types, strict=True):
                if kind in DOLLARS and column not in (*chart.hidden, *(chart.whys or {})):
                    closed.add(chart.name)
    assert closed == {
        *("service_why", "service_change_why", "service_month_why", "service_sums"),
        *("service_effects", "service_workloads", "ml_work", "ml_trials", "platforms_free"),
        *("platforms_pools", "platforms_models", "platforms_health", "commitments_list"),
        *("invoice_waterfall", "invoice_periods", "invoice_closed", "invoice_restatements"),
        *("invoice_cost_explorer", "invoice_cost_explorer_months", "pipeline_last_days"),
        *("overview_rules", "team_tags"),
    }


def test_one_series_has_a_name(site: Path, opened: Opened) -> None:
    drawn = opened(page_of(site, "service")).locator("[data-chart=service_days] text")
    assert drawn.filter(has_text="k8s: core-0").count() == 1


def test_the_exposure_depends_on_what_the_charts_read() -> None:
    folder = ROOT / "analyses" / "dashboard"
    (exposure,) = yaml.safe_load((folder / "_dashboard.yml").read_text())["exposures"]
    marts = [path.stem for path in (ROOT / "models" / "marts").glob("*.sql")]
    read = {
        mart
        for chart in read_charts(ROOT, marts, [company.TAG])
        for mart in re.findall(r"marts\.(\w+)", chart.sql)
    }
    assert set(exposure["depends_on"]) == {f"ref('{mart}')" for mart in read}


@pytest.mark.parametrize(
    ("page", "section"), [("service", "service_why"), ("invoice.html", "invoice_waterfall")]
)
def test_a_link_to_a_chart_leads_to_its_numbers(
    site: Path, opened: Opened, page: str, section: str
) -> None:
    tab = opened(page_of(site, page), section)
    heading = tab.locator(f"#{section}")
    assert tab.evaluate(
        "name => { const at = document.getElementById(name).getBoundingClientRect();"
        " return at.top >= 0 && at.bottom <= innerHeight; }",
        section,
    )
    assert heading.locator("xpath=ancestor::section").locator("table").first.is_visible()


@pytest.mark.parametrize(("page", "section"), NUMBERS)
def test_a_last_row_adds_up_to_what_the_marts_say(
    published: Path, shown: Shown, page: str, section: str
) -> None:
    with duckdb.connect(published / "infraspend.duckdb", read_only=True) as connection:
        ((amount,),) = connection.execute(NUMBERS[page, section]).fetchall()
    assert next(text for text in shown(page)[section].foot if "$" in text) == dollars(amount)


@pytest.mark.parametrize(("page", "section", "key"), ROWS)
def test_a_row_has_the_numbers_that_were_worked_out(
    shown: Shown, page: str, section: str, key: str
) -> None:
    row = next(row for row in shown(page)[section].rows if key in row)
    assert [text for text in row if text in ROWS[page, section, key]] == ROWS[page, section, key]


def tables() -> Iterator[tuple[str, Chart]]:
    """Every chart with a table of plain rows, and a page that shows it."""
    marts = [path.stem for path in (ROOT / "models" / "marts").glob("*.sql")]
    for chart in read_charts(ROOT, marts, [company.TAG]):
        if chart.kind != "tile" and chart.series is None:
            yield chart.page if chart.each else address_of(chart.page), chart


@pytest.mark.parametrize(
    ("page", "chart"), [pytest.param(*one, id=one[1].name) for one in tables()]
)
def test_every_dollar_of_every_table_is_the_marts(
    published: Path, shown: Shown, page: str, chart: Chart
) -> None:
    """To the digit that is shown, row by row, by the SQL that stands on the page."""
    section = shown(page)[chart.name]
    assert section.sql == chart.sql
    only = [{"team": "web", "service": "cart"}[page]] if chart.each else None
    with duckdb.connect(published / "infraspend.duckdb", read_only=True) as connection:
        answer = ask(connection, chart, only)
    answer = next(iter(answer.by_page().values())) if chart.each else answer
    columns = [column for column in answer.columns if column not in chart.hidden]
    assert len(section.rows) == len(answer.rows) > 0
    for row, values in zip(section.rows, answer.rows, strict=True):
        for column, kind, value in zip(answer.columns, answer.types, values, strict=True):
            if kind in DOLLARS and column in columns:
                text = "\u2013" if value is None else dollars(value, 10 if chart.exact else 2)
                assert row[columns.index(column)] == text, column


def test_every_tile_opens_what_adds_up_to_it(site: Path, opened: Opened, shown: Shown) -> None:
    added = []
    for page in ("index.html", "machine-learning.html", "team", "service"):
        tiles = opened(page_of(site, page)).locator(".tiles li")
        for number in range(tiles.count()):
            link = tiles.nth(number).locator(".value a")
            value, to = link.inner_text(), link.get_attribute("href")
            file, _, section = to.partition("#")
            there = shown(file or page)
            assert section in there, to
            foot = [text for text in there[section].foot if "$" in text]
            if section != "invoice_periods" and foot:
                amount = Decimal(foot[0].replace("$", "").replace(",", ""))
                assert value == dollars(amount, 0 if amount >= 1000 else 2), to
                added.append(section)
    assert added == [
        *("overview_who_spends", "platforms_free", "overview_unlabeled_products"),
        *("overview_month_services", "ml_work", "team_services", "team_month_services"),
        *("service_why", "service_month_why"),
    ]


def test_a_chosen_tag_is_a_drill_down_where_the_marts_carry_it(
    published: Path, tmp_path: Path, shown: Shown
) -> None:
    rows = shown("service")["service_tags"].rows
    assert [row[:2] for row in rows] == [[company.TAG, "gp3"]]

    without = tmp_path / "infraspend.duckdb"
    without.write_bytes((published / "infraspend.duckdb").read_bytes())
    with duckdb.connect(without) as connection:
        connection.execute(f"alter table marts.enriched_spend drop column {company.TAG}")
    other = write_dashboard(tmp_path, tmp_path / "dashboard", ROOT).index.parent
    assert "service_tags" not in page_of(other, "service").read_text()


def test_one_sql_and_one_entry_add_a_chart(published: Path, tmp_path: Path, opened: Opened) -> None:
    folder = tmp_path / "analyses" / "dashboard"
    folder.mkdir(parents=True)
    (folder / "regions.sql").write_text(
        "select region, sum(spend) as spend from {{ ref('explained_spend') }}\n"
        "where not is_period_charge group by region"
    )
    dashboard = {"page": "overview", "kind": "bars", "x": "region", "y": "spend"}
    entry = {
        "name": "regions",
        "description": "By region.",
        "config": {"meta": {"dashboard": dashboard}},
    }
    (folder / "ours.yml").write_text(yaml.safe_dump({"analyses": [entry]}))

    tab = opened(write_dashboard(published, tmp_path / "to", tmp_path).index)

    assert tab.locator("[data-chart=regions] svg text", has_text="us-west-2").count() == 1
    assert tab.locator("section:has(#regions) tbody td").all_text_contents()[0] == "us-west-2"
    assert "from marts.explained_spend" in tab.locator(".sql pre code").text_content()


def test_services_stand_side_by_side(site: Path, opened: Opened) -> None:
    """The bars of EC2 and Kubernetes begin at the same place, one below the other."""
    tab = opened(site / "migration.html")
    boxes = [
        tab.evaluate("one => { const b = one.getBBox(); return [b.x, b.y, b.width]; }", bar)
        for bar in tab.query_selector_all("[data-chart=migration_services] svg path")
        if bar.get_attribute("fill") in ("#d98324", "#3b6fb6")
    ]
    longest = sorted(boxes, key=lambda box: -box[2])[:2]
    assert abs(longest[0][0] - longest[1][0]) < 1
    assert abs(longest[0][1] - longest[1][1]) > 5


@pytest.mark.parametrize("page", ["index.html", "invoice.html", "pipeline.html", "team", "service"])
def test_a_phone_scrolls_tables_in_their_box(site: Path, opened: Opened, page: str) -> None:
    tab = opened(page_of(site, page), viewport={"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The first column stays where it is.
    assert tab.evaluate(
        """[...document.querySelectorAll('.scroll')].filter(box => box.clientWidth).every(box => {
            box.scrollLeft = 200;
            const cell = box.querySelector('tbody td');
            const by = box.getBoundingClientRect().left - cell.getBoundingClientRect().left;
            return Math.abs(by) < 2;
        })"""
    )
    tab.close()


def test_marts_without_rows_make_pages_that_say_what_to_do(tmp_path: Path, opened: Opened) -> None:
    with duckdb.connect(tmp_path / "infraspend.duckdb") as connection:
        create_marts(connection)
    site = write_dashboard(tmp_path, tmp_path / "dashboard", ROOT).index.parent
    pages = sorted(site.glob("*.html"))
    assert len(pages) == 9
    for page in pages:
        tab = opened(page)
        sections = tab.locator("section.figure").count()
        assert sections
        assert tab.locator(".empty").count() == sections


def test_ten_thousand_labels_are_legible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    monkeypatch.setattr("infraspend.publishers.dashboard.site._MOST_PAGES", 3)
    with duckdb.connect(tmp_path / "infraspend.duckdb") as connection:
        create_marts(connection)
        connection.execute(
            """
            insert into marts.time_spine by name
                select date '2026-11-20' as date_day, true as is_complete, 1 as days_back;
            insert into marts.daily_spend by name
                select
                    date '2026-11-20' as usage_date, '2026-11' as billing_period,
                    false as is_period_charge, 10000 - range + 0.01 as spend,
                    'label-' || range as lyft_label, 'a-team' as current_team,
                    'an-org' as current_org
                from range(10000);
            """
        )
    written = write_dashboard(tmp_path, tmp_path / "dashboard", ROOT)
    assert written.without_page == {"services": 9997}

    tab = opened(written.index)
    assert tab.locator("[data-chart=overview_who_spends] text", has_text="others").count() == 1
    tab = opened(written.index.with_name("services.html"))
    assert tab.locator(".note").inner_text().startswith("The first 1,000 of 10,000 rows")
    assert tab.locator("tbody tr").count() == 1000
    tab = opened(written.index.parent / address_of("team", "a-team"))
    assert tab.evaluate("document.querySelectorAll('[data-chart=team_days] path').length") < 500
    foot = tab.locator("section:has(#team_services) tfoot td").nth(1)
    assert foot.text_content() == "$50,005,100.00"


def test_a_published_file_that_was_cut_off_is_named(published: Path, tmp_path: Path) -> None:
    whole = (published / "infraspend.duckdb").read_bytes()
    (tmp_path / "infraspend.duckdb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InfraspendError, match="publish it again"):
        write_dashboard(tmp_path, tmp_path / "to", ROOT)
    assert not (tmp_path / "to").exists()


def test_pages_that_a_killed_run_left_half_written_are_written_again(
    published: Path, tmp_path: Path
) -> None:
    left = tmp_path / ".dashboard.aside" / "new"
    left.mkdir(parents=True)
    (left / "index.html").write_text("<!doctype html><ht")
    index = write_dashboard(published, tmp_path / "dashboard", ROOT).index
    assert index.read_text().endswith("</html>")
    assert not left.parent.exists()


def test_paper_has_every_chart_in_whole(site: Path, opened: Opened) -> None:
    tab = opened(site / "index.html")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    boxes = tab.evaluate(
        """[...document.querySelectorAll('.chart')].map(place => {
            const chart = place.querySelector('svg').getBoundingClientRect();
            const box = place.getBoundingClientRect();
            const page = document.documentElement.clientWidth;
            return [box.height, chart.bottom <= box.bottom + 1 && box.right <= page];
        })"""
    )
    assert len(boxes) == 3
    assert all(height > 100 and is_inside for height, is_inside in boxes)
