"""The command line for everything that Infraspend does.

Nothing is decided here. A verb reads its options, calls the package that does the work and prints
what came of it; `main` turns what went wrong into one line and an exit code.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar
from typer.core import TyperGroup

from infraspend import INSTALLED
from infraspend.loaders.errors import InfraspendError
from infraspend.projects import current_project, package_of
from infraspend.projects import init as make_folder

if TYPE_CHECKING:
    from infraspend.loaders.kubernetes.tracker import Tracked
    from infraspend.loaders.result import LoadResult, Progress
    from infraspend.loaders.warehouse import LakeUrl, WarehouseLocation
    from infraspend.publishers.marts import Published
    from infraspend.simulation import SimulationResult

DEFAULT_WAREHOUSE = Path("warehouse/infraspend.duckdb")
DEFAULT_LAKE = "warehouse/lake"
DEFAULT_DEMO = Path("warehouse/demo")
SIMULATED_DAYS = 61
DEMO_DAYS = 20
DEMO_MONTHS = 12
DEMO_SEED = 2019
_MEMORY_OF_THE_DEMO = "800MB"

_BEFORE_THE_DEMO = (
    "demo: {months} months of a company by the day and {days} days by the hour: simulates, loads,"
    " builds, publishes and shows them in 3 to 4 minutes on two cores, with 400 MB of disk and"
    " 1 GB of memory; a second run only shows them"
)
_WHAT_TO_SEE = """
See there

  Overview     documents jumps on 9 November: a function that triggered itself for four days
  Migration    five services left EC2 for Kubernetes in a year; matching does so now
  Platforms    core-0 was not tracked for six hours on 12 November: what depends on them
  Platforms    core-0 was there first; core-1 joined in August, and all others in September
  Invoice      AWS restated August in October, long after it had been paid; May to July are closed

Ask

  {command} explain --label documents --date 2026-11-11 --against 2026-11-04{asked}
  {command} explain --label pricing --date 2026-11-18{asked}"""
_FAILED = 1
_MOST_REFUSED = 20
_ENGINE = "INFRASPEND_ENGINE"
_OF_THE_WAREHOUSE = {"dbt", "dlt", "duckdb", "filelock", "fsspec", "jinja2", "sqlglot"}
_OF_NOTIFY = {"apprise", "markdown", "requests_oauthlib"}
_ON_DUCKDB_ONLY = {"demo", "explain"}
_DELIVERIES = {
    "aws-cur": "assembly",
    "focus": "statement",
    "kubernetes": "collection",
    "platforms": "file",
}
_SET_BY_INFRASPEND = {
    *("--project-dir", "--profiles-dir", "--profile", "--target", "-t"),
    *("--target-path", "--log-path", "--log-format"),
}

out = Console()
err = Console(stderr=True)
_MONTHS = {f"{month:02}" for month in range(1, 13)}


class Engine(Enum):
    """What builds the models, and so what the loaders land for."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class Digest(Enum):
    """How often a digest is sent."""

    DAY = "day"
    WEEK = "week"


class _FocusVersion(Enum):
    """The version of FOCUS that readers expect."""

    V1_2 = "1.2"
    V1_4 = "1.4"


class _InOrder(TyperGroup):
    """Shows the verbs in the order in which they are used."""

    def list_commands(self, _context: object) -> list[str]:
        """The names of the verbs."""
        return [
            *("demo", "init", "simulate", "track", "load"),
            *("build", "publish", "dashboard", "notify", "export", "explain", "mcp", "doctor"),
        ]


app = typer.Typer(
    name="infraspend",
    cls=_InOrder,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`--debug`, before or after a verb, shows the traceback of what went wrong. "
    "Exit codes: 0 done, 1 failed, 2 wrong usage.",
)
load_app = typer.Typer(
    no_args_is_help=True,
    help="Load bills and usage. Idempotent: each delivery lands exactly once.",
)
app.add_typer(load_app, name="load")

WarehouseOption = Annotated[
    Path,
    typer.Option(
        "--warehouse",
        envvar="INFRASPEND_WAREHOUSE",
        metavar="PATH",
        help="The DuckDB file that everything is landed and built in.",
        dir_okay=False,
    ),
]
EngineOption = Annotated[
    Engine,
    typer.Option(
        "--engine",
        envvar=_ENGINE,
        help="DuckDB, in the file of --warehouse; or Spark, from --lake and beside that file.",
    ),
]
LakeOption = Annotated[
    str,
    typer.Option(
        "--lake",
        envvar="INFRASPEND_LAKE",
        metavar="URL|DIR",
        help="The directory or s3:// URL that Spark reads, with --engine spark.",
    ),
]


def _from_project(
    context: typer.Context, parameter: typer.CallbackParam, seeds: Path | None
) -> Path | None:
    """The whole path of the seeds: a relative one of the environment is dbt's, from the project."""
    if seeds is None:
        return None
    source = context.get_parameter_source(parameter.name or "")
    is_from_environment = source is not None and source.name == "ENVIRONMENT"
    return (package_of(current_project()) if is_from_environment else Path.cwd()) / seeds


SeedsOption = Annotated[
    Path | None,
    typer.Option(
        "--seeds",
        envvar="INFRASPEND_SEEDS",
        metavar="DIR",
        callback=_from_project,
        show_default="those of the last build",
        help="The directory of your CSVs: label rules, owners, platforms.",
    ),
]
FromOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="URL|DIR",
        help="The directory or s3:// URL under which the deliveries lie, however deep.",
    ),
]
PublishedOption = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="DIR",
        help="The directory that was published to; published/ beside the warehouse.",
        file_okay=False,
    ),
]
DaysOption = Annotated[int, typer.Option(min=2, help="How many days are simulated hour by hour.")]
MonthsOption = Annotated[
    int,
    typer.Option(
        min=0, help="Months of history before the month of these days, billed by the day."
    ),
]
SeedOption = Annotated[int, typer.Option(help="Another seed is another company.")]


def _month(text: str | None) -> str | None:
    """Checks that an option is a month, as YYYY-MM."""
    if text is not None:
        year, _, month = text.partition("-")
        if not (len(year) == 4 and year.isdecimal() and month in _MONTHS):
            raise typer.BadParameter(f"{text!r} is not a month; write it as 2026-11")
    return text


def _size(scale: float) -> float:
    """Checks that an option is a company's size: of one, or of whole subsidiaries."""
    if scale > 1 and scale != int(scale):
        raise typer.BadParameter(f"{scale:g}: above 1 a company grows by whole subsidiaries")
    return scale


def _hour(text: str) -> datetime:
    """The hour that an option names, plain UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no hour; write it as 2026-11-01T13") from None
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if moment.replace(minute=0, second=0, microsecond=0) != moment:
        raise typer.BadParameter(f"{text!r} is no whole hour of UTC")
    return moment


def _web_address(text: str | None) -> str | None:
    """Checks that an option is the URL of a site."""
    if text is not None and not text.startswith(("https://", "http://")):
        raise typer.BadParameter(f"{text!r} is no URL of a site; write it as https://...")
    return text


def _header(text: str) -> tuple[str, str]:
    """The name and the value of a header."""
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise typer.BadParameter(f"{text!r} is no header; write it as X-Scope-OrgID: platform")
    return name.strip(), value.strip()


def _show_version(wanted: bool) -> None:
    """Prints the version and ends, whatever else was asked for."""
    if wanted:
        _say(f"infraspend {version('infraspend')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    engine: Annotated[
        Engine | None,
        typer.Option("--engine", help=f"What builds the models; {_ENGINE}, or duckdb, by default."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Who spends what on shared platforms, exact to the last digit.

    Land the bill and the usage, build and test the models, publish the marts:

        infraspend load aws-cur --from DIR

        infraspend load kubernetes --from DIR

        infraspend build

        infraspend publish

    To see all of it on a company that does not exist: `infraspend demo`.
    """
    if engine is not None:
        # Where the verbs look for it.
        os.environ[_ENGINE] = engine.value
    if context.invoked_subcommand in _ON_DUCKDB_ONLY and os.environ.get(_ENGINE) == "spark":
        raise InfraspendError(
            f"{context.invoked_subcommand} runs on DuckDB only: leave out --engine spark and"
            f" {_ENGINE}"
        )


@app.command()
def demo(
    directory: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where the company and its data live.")
    ] = DEFAULT_DEMO,
    days: DaysOption = DEMO_DAYS,
    months: MonthsOption = DEMO_MONTHS,
    seed: SeedOption = DEMO_SEED,
    warehouse: Annotated[
        Path | None,
        typer.Option(
            "--warehouse",
            metavar="PATH",
            help="Its warehouse: warehouse/infraspend.duckdb by default, where other commands look,"
            " or in --dir if that is given, or if somebody's own data are there.",
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """Simulate a company, then load, build, publish and show what it spends.

    The second run finds that nothing is new and only shows the result. The demo builds with the
    seeds of its own company, whatever INFRASPEND_SEEDS says.

        infraspend demo

    Shorter, without a year of history:

        infraspend demo --dir company --days 30 --months 0
    """
    from infraspend.builder import choose_seeds, is_free_for_demo, prepared
    from infraspend.publishers.summary import print_summary

    _say(_BEFORE_THE_DEMO.format(months=months, days=days))
    # DuckDB keeps as much in memory as it may, and needs no more than this for so little.
    os.environ.setdefault("INFRASPEND_MEMORY", _MEMORY_OF_THE_DEMO)
    project = current_project()
    seeds = INSTALLED / "seeds"
    if warehouse is not None:
        # Before anything lands in it: somebody's own bill is no place for the demo's.
        choose_seeds(warehouse, warehouse, project, seeds, change=True)
    company = _simulate(directory, days=days, months=months, seed=seed, scale=1.0, has_truth=False)
    if warehouse is None:
        is_default = directory == DEFAULT_DEMO and is_free_for_demo(DEFAULT_WAREHOUSE)
        warehouse = DEFAULT_WAREHOUSE if is_default else directory / "demo.duckdb"
        if company.is_new:
            # What an earlier company left behind would add up with this one's.
            for path in (warehouse, warehouse.with_name(f"{warehouse.name}.wal")):
                path.unlink(missing_ok=True)
    with prepared(warehouse, project, seeds):
        if company.earlier.exists():
            # As it was loaded before AWS restated a month.
            load_aws_cur(str(company.earlier), warehouse=warehouse)
        load_aws_cur(str(company.bill), warehouse=warehouse)
        load_kubernetes(str(company.kubernetes), warehouse=warehouse)
        load_platforms(str(company.platforms), warehouse=warehouse)
    _build(warehouse, seeds, change=True)
    published = directory / "published"
    print_summary(_publish(warehouse, str(published)), out)
    _dashboard(published, str(directory / "dashboard"))
    if (days, months) == (DEMO_DAYS, DEMO_MONTHS):
        asked = f" --warehouse {warehouse}" if warehouse != DEFAULT_WAREHOUSE else ""
        _say(_WHAT_TO_SEE.format(command=sys.argv[0], asked=asked))


@app.command()
def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new or empty folder.", file_okay=False)
    ],
) -> None:
    """Make a folder for your own bill: your seeds, your models, a profile, a README.

    Its seeds have headers only: your rules, owners and platforms go there. It is a dbt project with
    the installed Infraspend as a package; models that you add are built and published with the
    rest, and an upgrade leaves them alone. The other commands use the folder that they are run in.

        infraspend init finops

        cd finops

        infraspend load aws-cur --from s3://our-billing/reports

        infraspend build

    Run again, it writes what is missing and leaves the rest as it is.
    """
    written = make_folder(directory)
    _say(f"init: {_count(len(written), 'file')} written to {directory}")
    _say(
        f"init: next: cd {directory}, fill in seeds/, then infraspend load aws-cur --from DIR;"
        " README.md says more"
    )


@app.command()
def simulate(
    to: Annotated[Path, typer.Option("--out", metavar="DIR", help="The directory to write to.")],
    days: DaysOption = SIMULATED_DAYS,
    months: MonthsOption = 0,
    seed: SeedOption = DEMO_SEED,
    scale: Annotated[
        float,
        typer.Option(
            min=0.01,
            callback=_size,
            help="How many times as large it is: above 1 it has as many subsidiaries.",
        ),
    ] = 1.0,
    operations: Annotated[
        int,
        typer.Option(
            min=1,
            help="Lines of the bill for an hour of a bucket, a table, a queue: one an operation.",
        ),
    ] = 1,
) -> None:
    """Write a company's bill and usage as AWS and Kubernetes would, with the expected results.

    What is written can be loaded as if AWS, the usage tracker and platform owners had delivered it:

        infraspend simulate --out company --days 10

        infraspend load aws-cur --from company/bill

    At --scale 1 it is the company of the demo and of seeds/, with 3,500 lines of its bill a day.
    --scale 20 is a group of 20 such subsidiaries, each with a payer, accounts, clusters and labels
    of its own, which spends what the first one spends; its seeds are in group/seeds. Ten million
    lines take two minutes and half a GB of memory:

        infraspend simulate --out group --scale 28 --operations 2

        infraspend build --seeds group/seeds

    A group has no months in a legacy report or delivered twice, as the company of --scale 1 has.
    """
    _simulate(to, days=days, months=months, seed=seed, scale=scale, operations=operations)


@load_app.command("aws-cur")
def load_aws_cur(
    source: FromOption,
    report: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the report of this name.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(callback=_month, metavar="YYYY-MM", help="The first billing period."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(callback=_month, metavar="YYYY-MM", help="The last billing period."),
    ] = None,
    keep: Annotated[
        int,
        typer.Option(
            min=0,
            envvar="INFRASPEND_KEEP_ASSEMBLIES",
            help="How many superseded deliveries of a billing period retain their line items.",
        ),
    ] = 1,
    again: Annotated[
        bool,
        typer.Option("--again", help="Reload deliveries already loaded, whose rows were damaged."),
    ] = False,
    accept_empty: Annotated[
        bool,
        typer.Option("--accept-empty", help="Let a delivery of no lines empty its period."),
    ] = False,
    without_manifest: Annotated[
        bool,
        typer.Option(
            "--without-manifest", help="Also read data whose manifest was not copied along."
        ),
    ] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    seeds: SeedsOption = None,
    engine: EngineOption = Engine.DUCKDB,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Land the AWS bill: legacy Cost and Usage Reports and CUR 2.0, as CSV or Parquet.

    The manifest of each billing period says what is current and in which format. What landed
    before is left alone. The assemblies in the seed closed_periods keep their lines: until the
    first build, name the --seeds that it will use.

        infraspend load aws-cur --from s3://our-billing/reports

        infraspend load aws-cur --from deliveries --since 2026-09 --report hourly --seeds our-facts

        infraspend --engine spark load aws-cur --from s3://our-billing/reports --lake s3://our-lake
    """
    from infraspend.builder import known_seeds
    from infraspend.loaders import aws_cur

    declared = known_seeds(_record(engine, warehouse), current_project(), seeds)
    policy = aws_cur.Policy(
        keep=keep,
        pinned=aws_cur.closed_assemblies(declared) if declared else frozenset(),
        accept_empty=accept_empty,
        again=again,
        without_manifest=without_manifest,
    )
    with _reporting("load aws-cur") as progress:
        result = aws_cur.load(
            _location(engine, warehouse, lake),
            source,
            report=report,
            since=since,
            until=until,
            policy=policy,
            progress=progress,
        )
    _print_load("aws-cur", result)


@load_app.command("focus")
def load_focus(
    source: FromOption,
    keep: Annotated[
        int,
        typer.Option(
            min=0,
            envvar="INFRASPEND_KEEP_STATEMENTS",
            help="How many superseded statements of a billing period retain their charges.",
        ),
    ] = 1,
    again: Annotated[
        bool,
        typer.Option("--again", help="Reload deliveries already loaded, whose rows were damaged."),
    ] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    engine: EngineOption = Engine.DUCKDB,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Land bills in FOCUS 1.0 to 1.4, as CSV or Parquet: of AWS, Azure, Google, SaaS and AI.

    The files of a folder are one delivery. What it says of a billing account's billing period
    replaces what was known of it; what landed before is left alone.

        infraspend load focus --from s3://our-billing/azure

        infraspend load focus --from bills/litellm
    """
    from infraspend.loaders import focus

    with _reporting("load focus") as progress:
        result = focus.load(
            _location(engine, warehouse, lake), source, keep=keep, again=again, progress=progress
        )
    _print_load("focus", result)
    for line in result.notes:
        _warn("note", line)


@load_app.command("kubernetes")
def load_kubernetes(
    source: FromOption,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    engine: EngineOption = Engine.DUCKDB,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Land what the Kubernetes usage tracker collected.

    infraspend load kubernetes --from collections
    """
    from infraspend.loaders import kubernetes

    with _reporting("load kubernetes") as progress:
        result = kubernetes.load(_location(engine, warehouse, lake), source, progress=progress)
    _print_load("kubernetes", result)


@load_app.command("platforms")
def load_platforms(
    source: FromOption,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if an hour was refused; the rest loads.")
    ] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    engine: EngineOption = Engine.DUCKDB,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Land what platform owners publish: usage, and ready-made attribution schedules.

    infraspend load platforms --from schedules

    infraspend load platforms --from schedules --strict
    """
    from infraspend.loaders import platforms

    with _reporting("load platforms") as progress:
        result = platforms.load(_location(engine, warehouse, lake), source, progress=progress)
    _print_load("platforms", result)
    for line in result.notes:
        _warn("note", line)
    for line in result.refused[:_MOST_REFUSED]:
        _warn("refused", line)
    if result.refused:
        more = len(result.refused) - _MOST_REFUSED
        where = "the table raw_platforms.rejects has " + (f"{more:,} more" if more > 0 else "them")
        _say(f"load platforms: {where}; correct the files and load them again")
        if strict:
            raise InfraspendError(
                f"{_count(len(result.refused), 'hour')} were refused (--strict); the rest is in"
            )


@app.command()
def track(
    to: Annotated[
        str, typer.Option(metavar="DIR|URL", help="Where collections go, s3://bucket/prefix too.")
    ],
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="A server that speaks PromQL.")
    ] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="NAME", help="The cluster that it watches.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Many sources, instead of --prometheus and --cluster.", exists=True
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option(
            metavar="T", help="The first hour, UTC; `last` goes on where the last run ended."
        ),
    ] = "last",
    until: Annotated[
        str | None,
        typer.Option(metavar="T", help="The hour after the last, UTC; all that passed by default."),
    ] = None,
    pod_label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="A pod label to keep, where a source names none; all that are exported by default."
            " May be repeated.",
        ),
    ] = None,
    fail_on_incomplete: Annotated[
        bool,
        typer.Option(
            "--fail-on-incomplete", help="Exit with 1 if an hour was not scraped as it should be."
        ),
    ] = False,
    gauges: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="Where gauges of the run go: a textfile for the node exporter, or a Pushgateway.",
        ),
    ] = None,
) -> None:
    """Collect Kubernetes usage from Prometheus, hour by hour.

    Run it every hour; `infraspend load kubernetes` lands what it wrote. An hour that was collected
    again replaces what was known of it. Usage that platform owners push as the metric
    infraspend_platform_usage goes to platforms/ in the same directory.

        infraspend track --prometheus http://prometheus:9090 --cluster prod --to collections

        infraspend track --config tracker.yml --since 2026-11-01 --until 2026-11-02T06 --to DIR
    """
    from infraspend.loaders import kubernetes
    from infraspend.loaders.kubernetes.sources import read_sources, source_at
    from infraspend.loaders.kubernetes.tracker import TrackError

    if (config is None) != (prometheus is not None and cluster is not None):
        raise typer.BadParameter("name --prometheus and --cluster, or --config")
    sources = read_sources(config) if config else [source_at(prometheus or "", cluster or "")]
    if pod_label:
        sources = [
            one if one.pod_labels is not None else replace(one, pod_labels=pod_label)
            for one in sources
        ]
    failures: list[InfraspendError] = []
    with _reporting("track") as progress:
        try:
            tracked = kubernetes.track(
                sources,
                to,
                since=None if since == "last" else _hour(since),
                until=_hour(until) if until else None,
                progress=progress,
            )
        except TrackError as error:
            tracked = error.tracked
            failures.append(error)
    try:
        _print_tracked(tracked, gauges)
    except InfraspendError as error:
        failures.append(error)
    if failures:
        raise InfraspendError("; ".join(map(str, failures))) from failures[0]
    if fail_on_incomplete and (missing := tracked.incomplete + tracked.unscraped):
        raise InfraspendError(
            f"{_count(missing, 'hour')} were not scraped as they should have been"
            " (--fail-on-incomplete); what is there was written"
        )


@app.command()
def doctor(
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="The server whose metrics to look at.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The sources of `track`, with their credentials.", exists=True
        ),
    ] = None,
    token_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable with a bearer token."),
    ] = None,
    token_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file with a bearer token.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="The user, with --password-env.")
    ] = None,
    password_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="The environment variable with a password.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:VALUE", help="A header, such as X-Scope-OrgID: platform."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="T", help="The end of the day to look at, UTC; now by default."),
    ] = None,
    platform: Annotated[
        str | None, typer.Option(metavar="NAME", help="The platform whose files to check.")
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="URL|DIR|FILE",
            help="With --platform: what is to be published, a file or a folder per platform.",
        ),
    ] = ".",
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    seeds: SeedsOption = None,
    engine: EngineOption = Engine.DUCKDB,
    lake: LakeOption = DEFAULT_LAKE,
) -> None:
    """Say what is wrong with the warehouse, a Prometheus, or a platform's files.

    Without arguments it looks at the warehouse: its file, what was loaded, the last build and what
    was published. Each line says what is wrong, where, and which command fixes it.

    infraspend doctor

    infraspend doctor --prometheus http://prometheus:9090

    infraspend doctor --config tracker.yml --at 2026-11-02

    infraspend doctor --platform spark --from exports/ --seeds our-facts

    How a platform is declared is read from the seeds that you name, or those that the warehouse was
    built with.
    """
    from infraspend.loaders.findings import Level
    from infraspend.loaders.kubernetes.diagnosis import diagnose as diagnose_prometheus
    from infraspend.loaders.kubernetes.diagnosis import diagnose_sources
    from infraspend.loaders.kubernetes.sources import read_sources, source_at

    is_about_warehouse = prometheus is None and config is None and platform is None
    if is_about_warehouse and engine is Engine.SPARK:
        raise InfraspendError(
            "doctor looks at a warehouse of DuckDB only: leave out --engine spark, or name a server"
            " with --prometheus, sources with --config or a platform with --platform"
        )
    moment = int(_hour(at).replace(tzinfo=UTC).timestamp()) if at else None
    findings = []
    with _reporting("doctor") as progress:
        if prometheus is not None:
            options = {
                "token_env": token_env,
                "token_file": token_file,
                "user": user,
                "password_env": password_env,
                "headers": dict(map(_header, header)) if header else None,
            }
            said = {name: value for name, value in options.items() if value is not None}
            server = source_at(prometheus, "any", said).access
            findings += diagnose_prometheus(server, at=moment, progress=progress)
        if config is not None:
            findings += diagnose_sources(read_sources(config), at=moment, progress=progress)
        if platform is not None:
            # Here, since a machine that only tracks has no warehouse.
            from infraspend.builder import choose_seeds
            from infraspend.loaders.platforms.diagnosis import diagnose as diagnose_platform

            chosen = choose_seeds(
                _record(engine, warehouse),
                _location(engine, warehouse, lake),
                current_project(),
                seeds,
                change=True,
            )
            _say(f"doctor: seeds in {chosen}")
            findings += diagnose_platform(platform, source, chosen.directory, progress=progress)
        if is_about_warehouse:
            from infraspend.builder.diagnosis import diagnose as diagnose_warehouse

            findings += diagnose_warehouse(
                warehouse, current_project(), warehouse.parent / "published"
            )
    for finding in findings:
        _say(str(finding))
    if errors := sum(finding.level is Level.ERROR for finding in findings):
        named = (prometheus, str(config) if config else None, platform)
        of = " and ".join(name for name in named if name is not None) or warehouse
        raise InfraspendError(f"{of} has {_count(errors, 'error')}: see above")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    options_metavar="[OPTIONS] [DBT ARGUMENTS]",
)
def build(
    context: typer.Context,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    seeds: SeedsOption = None,
    change_seeds: Annotated[
        bool,
        typer.Option(
            "--change-seeds", help="Build with --seeds, though the last build had others."
        ),
    ] = False,
    engine: EngineOption = Engine.DUCKDB,
    lake: LakeOption = DEFAULT_LAKE,
    unit_tests: Annotated[
        bool,
        typer.Option(
            "--unit-tests", help="Run the unit tests, too: they prove the models, not the data."
        ),
    ] = False,
) -> None:
    """Build what changed in every model from what was landed, and test it.

    Months are rebuilt whole: those with another bill, other usage, or other rules and platforms;
    `select * from pipeline.refresh` in the warehouse lists them. If nothing changed, nothing runs.

    The warehouse remembers the --seeds of its first build: later builds use them, and refuse others
    without --change-seeds. The demo company's fit only the bill that infraspend simulate writes.
    Further arguments go to dbt.

        infraspend build --seeds ../our-facts

        infraspend build

        infraspend build --select true_cost+

        infraspend --engine spark build --lake s3://our-lake
    """
    from infraspend.loaders.warehouse import LakeUrl

    for argument in context.args:
        if argument.partition("=")[0] in _SET_BY_INFRASPEND:
            raise typer.BadParameter(
                f"{argument} is set by infraspend; run dbt itself to change it"
            )
    if change_seeds and seeds is None:
        raise typer.BadParameter("--change-seeds goes with --seeds DIR, the seeds to change to")
    on_spark = LakeUrl(lake) if engine is Engine.SPARK else None
    _build(warehouse, seeds, context.args, on_spark, change=change_seeds, unit_tests=unit_tests)


@app.command()
def publish(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|s3://...",
            help="The directory or bucket to publish to; published/ beside the warehouse.",
        ),
    ] = None,
    focus: Annotated[
        bool,
        typer.Option(
            "--focus", help="The FOCUS datasets as well, of a build with --vars 'focus: true'."
        ),
    ] = False,
    focus_version: Annotated[
        _FocusVersion | None,
        typer.Option(
            help="1.2 keeps ProviderName and PublisherName, for older readers.",
            show_default="1.4",
        ),
    ] = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    engine: EngineOption = Engine.DUCKDB,
) -> None:
    """Copy the marts to where people read them, if the last build passed every test.

    A DuckDB file with every mart and the analyses as views, and Parquet by month.
    Readers of the old files are not disturbed.

        infraspend publish --to /srv/finops

        infraspend publish --to s3://our-marts/infraspend

        infraspend publish --focus --focus-version 1.2
    """
    if focus_version and not focus:
        raise typer.BadParameter("--focus-version goes with --focus")
    to = to or str(warehouse.parent / "published")
    _publish(_record(engine, warehouse), to)
    if focus:
        _publish_focus(_record(engine, warehouse), to, focus_version or _FocusVersion.V1_4)


@app.command()
def dashboard(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|s3://...",
            help="The directory or bucket to write to; dashboard/ beside what was published.",
        ),
    ] = None,
    published: PublishedOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
) -> None:
    """Write a static site from what was published: open index.html, no server is needed.

    One page for each team and service, and every chart with its table and its SQL. The charts are
    declared in analyses/dashboard.

        infraspend dashboard --to /srv/finops/dashboard

        infraspend dashboard --to s3://our-dashboard
    """
    published = published or warehouse.parent / "published"
    _dashboard(published, to or str(published.absolute().parent / "dashboard"))


@app.command()
def notify(
    config: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            envvar="INFRASPEND_NOTIFY",
            help="The services to send to, a configuration of apprise's; only you may read it.",
            dir_okay=False,
        ),
    ] = Path("notify.yml"),
    dashboard: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="INFRASPEND_DASHBOARD",
            callback=_web_address,
            help="Where people read the dashboard, for links.",
        ),
    ] = None,
    digest: Annotated[
        Digest | None,
        typer.Option(help="One message a day or week (UTC), which lists open problems again."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent; send and note nothing.")
    ] = False,
    published: PublishedOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
    engine: EngineOption = Engine.DUCKDB,
) -> None:
    """Notify people of the problems in what was published, each once, and when they are over.

    Owners of platforms are notified of hours that are late, missing or filled in; teams of spend
    without a label and of large changes; finops of failed tests, closed months and what expires.
    The kinds are declared in analyses/notify; what was sent is in pipeline.problems of the
    warehouse.

        infraspend notify --dry-run

        infraspend notify --dashboard https://finops.example.com/dashboard

        infraspend notify --digest week
    """
    from infraspend.publishers.notifying import notify as send

    with _reporting("notify") as progress:
        result = send(
            published or warehouse.parent / "published",
            _record(engine, warehouse),
            current_project(),
            config,
            dashboard=dashboard,
            digest=digest.value if digest else None,
            dry_run=dry_run,
            progress=progress,
        )
    for text in result.texts:
        _say(f"{text}\n")
    _say(
        f"notify: {_count(len(result.sent), 'message')} {'would be' if dry_run else 'were'} sent"
        + (f": to {', '.join(result.sent)}" if result.sent else "")
    )
    if result.unreached:
        reasons = "; ".join(f"{name}: {why}" for name, why in result.unreached.items())
        raise InfraspendError(
            f"{_count(len(result.unreached), 'recipient')} not reached: {reasons}"
        )


@app.command()
def export(
    mart: Annotated[str, typer.Argument(metavar="MART", help="The mart, such as monthly_spend.")],
    to: Annotated[
        Path, typer.Option(metavar="FILE", help="The file to write: .csv or .xlsx.", dir_okay=False)
    ],
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="Only this month: of the bill, or else of the usage."),
    ] = None,
    published: PublishedOption = None,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
) -> None:
    """Write a published mart for spreadsheets: CSV to the last digit, Excel to the cent.

    A label that looks like a formula stays a text.

        infraspend export monthly_spend --month 2026-10 --to october.xlsx
    """
    from infraspend.publishers.exporting import export as export_mart
    from infraspend.publishers.marts import DATABASE_NAME

    database = (published or warehouse.parent / "published") / DATABASE_NAME
    rows = export_mart(database, mart, to, month)
    _say(f"export: {_count(rows, 'row')} of {mart} are in {to}")


@app.command()
def explain(
    label: Annotated[
        str, typer.Option(metavar="LABEL", help="The label, as in the mart enriched_spend.")
    ],
    day: Annotated[
        datetime,
        typer.Option(
            "--date", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="The day of the usage, UTC."
        ),
    ],
    rows: Annotated[
        int, typer.Option(min=1, help="How many rows to show; the others are summed up in one.")
    ] = 40,
    days: Annotated[
        int, typer.Option(min=1, help="How many days, up to and with --date; 7 are a week.")
    ] = 1,
    hours: Annotated[
        bool,
        typer.Option(
            "--hours",
            help="Show the calculation of every hour, so that you can recompute it.",
        ),
    ] = False,
    against: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="YYYY-MM-DD",
            help="An earlier day, or the last of as many --days: say what changed since.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
) -> None:
    """Say why a label spent what it did: the charges, rules and proportions that sum to it.

    Each paragraph is a chain of platforms, with the usage that each was split by, and the charges
    that it split with the label rules that matched them. --hours shows the calculation of each
    hour: spend x usage / total = share, platform after platform. The marts explained_spend and
    explained_splits have the same for SQL.

        infraspend explain --label pricing --date 2026-11-18
        infraspend explain --label pricing --date 2026-11-18 --hours --csv > pricing.csv
        infraspend explain --label pricing --date 2026-11-18 --against 2026-11-11
        infraspend explain --label pricing --date 2026-11-22 --days 7 --against 2026-11-15
    """
    from infraspend.publishers import explanation

    if json and csv:
        raise typer.BadParameter("--json and --csv do not go together")
    if hours and against is not None:
        raise typer.BadParameter("--hours and --against do not go together")
    name = label.strip().lower()
    found = explanation.explain(warehouse, name, day.date(), days)
    change = None
    if against is not None:
        before = explanation.explain(warehouse, name, against.date(), days)
        change = explanation.change_between(before, found)
    if json:
        typer.echo(explanation.as_json(change or found))
    elif csv:
        typer.echo(explanation.as_csv(change or found, hours=hours), nl=False)
    elif change is not None:
        explanation.print_change(change, out, rows)
    else:
        explanation.print_explanation(found, out, rows, hours=hours)


@app.command()
def mcp(
    published: PublishedOption = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows an answer has at most.")] = 200,
    seconds: Annotated[
        int, typer.Option(min=1, help="How many seconds a statement takes at most.")
    ] = 30,
    warehouse: WarehouseOption = DEFAULT_WAREHOUSE,
) -> None:
    """Answer assistants: a server of the Model Context Protocol, on standard input and output.

    It only reads what was published: metrics by dimensions, why a label's spend changed, the
    charges behind a number, health, columns and SELECTs, each with its proof. An assistant starts
    it by a line of its own configuration, which for most of them is JSON:

        {"mcpServers": {"infraspend": {"command": "infraspend",
                                       "args": ["mcp", "--from", "/srv/finops"]}}}

        infraspend mcp --from /srv/finops

    Of what is installed it needs the extra `mcp` only. docs/assistants.md has the tools.
    """
    try:
        from infraspend.publishers.mcp_server import serve
    except ModuleNotFoundError as error:
        raise InfraspendError(
            f"{error.name} is not installed, which `mcp` needs: pip install 'infraspend[mcp]'"
        ) from error
    from infraspend.publishers import DATABASE_NAME

    if sys.stdin.isatty():
        err.print("mcp: an assistant starts this and writes to it; Ctrl-D ends it", highlight=False)
    serve((published or warehouse.parent / "published") / DATABASE_NAME, rows, seconds)


def main() -> None:
    """Runs the command line: the entry point of `infraspend`."""
    # A flag of every verb, so it may stand anywhere.
    debug = "--debug" in sys.argv[1:]
    try:
        app([argument for argument in sys.argv[1:] if argument != "--debug"])
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in _OF_NOTIFY:
            _fail(f"{missing} is not installed: pip install 'infraspend[notify]'", debug)
        if missing == "pyarrow":
            _fail(
                "pyarrow is not installed, which `demo`, `simulate` and `track` need: pip install"
                " 'infraspend[demo]' or 'infraspend[tracker]'",
                debug,
            )
        if missing not in _OF_THE_WAREHOUSE:
            raise
        _fail(
            f"{error.name} is not installed, which everything but `track` and `doctor` needs:"
            " pip install infraspend",
            debug,
        )
    except InfraspendError as error:
        for mistake in error.mistakes:
            err.print(f"[red]mistake:[/] {escape(mistake)}", highlight=False, soft_wrap=True)
        _fail(str(error), debug)
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            _fail(
                f"{error.filename} cannot be used ({error.strerror}): look what is there, and move"
                " it or name another place",
                debug,
            )
        _fail(f"{type(error).__name__}: {error} (unexpected: --debug shows where)", debug)


def _fail(message: str, debug: bool) -> NoReturn:
    """Says in one line what went wrong, and ends."""
    if debug:
        err.print_exception()
    err.print(
        f"[red]error:[/] {escape(' '.join(message.split()))}", highlight=False, soft_wrap=True
    )
    sys.exit(_FAILED)


def _simulate(
    to: Path,
    *,
    days: int,
    months: int,
    seed: int,
    scale: float,
    operations: int = 1,
    has_truth: bool = True,
) -> "SimulationResult":
    """Writes a company, and says what was written."""
    from infraspend.simulation import simulate as write_company

    with _reporting("simulate") as progress:
        company = write_company(
            to,
            days=days,
            months=months,
            seed=seed,
            scale=scale,
            operations=operations,
            has_truth=has_truth,
            progress=progress,
        )
    lived = (company.end_hour - company.first_hour).days
    what = f"{lived} days of a company, {company.bill_lines:,} lines of its bill"
    _say(f"simulate: {what}, are in {to}{'' if company.is_new else ' already'}")
    if scale > 1:
        _say(f"simulate: build it with --seeds {company.seeds}")
    return company


def _build(
    warehouse: Path,
    named: Path | None,
    arguments: Sequence[str] = (),
    lake: "LakeUrl | None" = None,
    *,
    change: bool = False,
    unit_tests: bool = False,
) -> None:
    """Builds, and says with which seeds, what failed and where to look."""
    from infraspend.builder import build as build_models
    from infraspend.builder import check_loaded, choose_seeds, explained_percentage, is_up_to_date

    if lake is None:
        check_loaded(warehouse)
    record = _window_beside(warehouse) if lake else warehouse
    project = current_project()
    seeds = choose_seeds(record, lake or warehouse, project, named, change=change)
    _say(f"build: seeds in {seeds}")
    if not (arguments or lake or unit_tests) and is_up_to_date(warehouse, project, seeds.directory):
        _say("build: nothing new was landed and nothing changed, so the marts are up to date")
        return
    with _reporting("build") as progress:
        result = build_models(
            warehouse,
            project,
            seeds.directory,
            arguments,
            progress,
            lake,
            unit_tests=unit_tests,
        )
    for line in result.warnings:
        _warn("warning", line)
    for line in result.failures:
        err.print(f"[red]failed:[/] {escape(line)}", highlight=False, soft_wrap=True)
    if not result.succeeded:
        raise InfraspendError(
            f"the build of {warehouse} failed, so nothing of it can be published; "
            f"dbt's log is {result.log}; what else was printed is in {result.printed}"
        )
    _say(f"build: {result.models} models are built and {result.tests} tests passed")
    if result.unproven:
        first = result.unproven[0]
        _say(
            f"build: {len(result.unproven)} models and tests still keep the marts from being"
            f" published, the first: {first.name}: {first.why}"
        )
    if result.may_be_published and (explained := explained_percentage(record)) is not None:
        _say(f"build: explained {explained} % of the invoice")


def _publish(warehouse: Path, to: str) -> "Published":
    """Publishes, and says where."""
    from infraspend.publishers.marts import DATABASE_NAME
    from infraspend.publishers.marts import publish as publish_marts
    from infraspend.publishers.targets import open_target

    with (
        _reporting("publish") as progress,
        open_target(to, "marts", DATABASE_NAME, progress) as folder,
    ):
        published = publish_marts(warehouse, folder, progress, current_project())
    _say(f"publish: {len(published.rows)} marts are in {to}")
    return published


def _publish_focus(warehouse: Path, to: str, version: _FocusVersion) -> None:
    """Publishes the FOCUS datasets, and says where."""
    from infraspend.publishers.focus import FIRST, publish_focus
    from infraspend.publishers.targets import open_target

    with (
        _reporting("publish") as progress,
        open_target(to, "focus", FIRST, progress) as folder,
    ):
        published = publish_focus(warehouse, folder, version.value, progress)
    charges = _count(published.rows["focus"], "row")
    _say(f"publish: FOCUS {version.value} is in {to}, {charges} of charges")


def _dashboard(published: Path, to: str) -> None:
    """Writes the dashboard, and says where."""
    from infraspend.publishers.dashboard import write_dashboard
    from infraspend.publishers.targets import open_target

    with (
        _reporting("dashboard") as progress,
        open_target(to, "dashboard", "index.html", progress) as folder,
    ):
        written = write_dashboard(published, folder, current_project(), progress)
    index = f"{to.rstrip('/')}/index.html" if "://" in to else written.index
    _say(f"dashboard: {_count(written.pages, 'page')}, open {index}")
    for kind, count in written.without_page.items():
        _say(f"dashboard: {count:,} {kind} have no page of their own, those that cost the least")


def _window_beside(warehouse: Path) -> Path:
    """Through which DuckDB file the marts are seen that Spark built."""
    from infraspend.builder.spark import home_beside, window_in

    return window_in(home_beside(warehouse))


def _record(engine: Engine, warehouse: Path) -> Path:
    """The DuckDB file with the record of builds, and with the marts."""
    return _window_beside(warehouse) if engine is Engine.SPARK else warehouse


def _location(engine: Engine, warehouse: Path, lake: str) -> "WarehouseLocation":
    """Where deliveries land."""
    from infraspend.loaders.warehouse import LakeUrl

    return LakeUrl(lake) if engine is Engine.SPARK else warehouse


def _print_load(source: str, result: "LoadResult") -> None:
    """Says what a load did."""
    _say(
        f"load {source}: {_count(result.landed, _DELIVERIES[source])} landed, "
        f"{result.skipped} there already, {_count(result.rejected, 'hour')} rejected"
        + (f", {result.pending} pending" if result.pending else "")
        + (f", {_count(result.unread, 'value')} unread (see rejects)" if result.unread else "")
    )


def _print_tracked(tracked: "Tracked", gauges: str | None) -> None:
    """Says what a run collected, in gauges as well where they are asked for."""
    _say(
        f"track: {_count(tracked.hours, 'hour')} in"
        f" {_count(len(tracked.collections), 'collection')} ({tracked.incomplete} incomplete,"
        f" {tracked.unscraped} more never scraped, {tracked.rejects} rejects),"
        f" {_count(len(tracked.published), 'file')} of pushed usage"
    )
    if gauges:
        from infraspend.loaders.kubernetes.gauges import write_gauges

        write_gauges(gauges, tracked.clusters)


def _count(number: int, noun: str) -> str:
    """How many there are of something."""
    many = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number:,} {noun if number == 1 else many}"


def _warn(what: str, line: str) -> None:
    """Prints what stops nothing, and should be looked at."""
    err.print(f"[yellow]{what}:[/] {escape(line)}", highlight=False, soft_wrap=True)


def _say(line: str) -> None:
    """Prints a result, as it is."""
    out.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _reporting(verb: str) -> Iterator["Progress"]:
    """Reports the steps of long work: a bar on a terminal, a log line for each elsewhere."""
    from infraspend.loaders.result import Step

    if err.is_terminal:
        what = TextColumn("{task.description}")
        with Bar(SpinnerColumn(), BarColumn(20), what, console=err, transient=True) as bar:
            task = bar.add_task(verb, total=None)

            def show(message: str) -> None:
                bar.update(task, description=f"{verb}: {escape(message)}")
                if isinstance(message, Step):
                    bar.update(task, completed=message.done, total=message.total)

            yield show
    else:
        yield lambda message: err.print(
            f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {verb}: {message}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


if __name__ == "__main__":
    main()
