"""People hear of a problem once, and when it is over; whom nobody reaches fails the command."""

import re
from pathlib import Path

import pytest

from infraspend.loaders.errors import InfraspendError
from tests.command_line.process import run
from tests.notifying.conftest import DASHBOARD, World, days, health, spent
from tests.notifying.receivers import part

FAILED = (
    "insert into pipeline.unproven values ('test.infraspend.{}.1', 'its last run ended with: fail')"
)


def titles(heard: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(to, title.removeprefix("Infraspend: ")) for to, title, _ in heard]


def test_a_problem_is_reported_once_and_so_is_its_end(world: World) -> None:
    world.record(FAILED.format("money"))
    world.put("platform_health", *(health(day) for day in days(9)[:8]))
    world.put("platform_health", health("2026-11-28", missing=24))
    assert titles(world.heard()) == [("finops", "1 new"), ("oncall", "1 new")]
    assert world.heard() == []

    # Another one comes, the first goes.
    world.record("delete from pipeline.unproven")
    world.record(FAILED.format("shares"))
    ((_, title, text),) = world.heard()
    assert title == "Infraspend: 1 new, 1 over"
    assert re.findall("^[^\n]*(?:Identities|- ).*", text, re.MULTILINE) == [
        "Identities that failed",
        "- shares: its last run ended with: fail. Until it passes, the published marts stay as they"
        " were.",
        "Identities that failed: Passed since",
        "- money: its last run ended with: fail. Until it passes, the published marts stay as they"
        " were.",
    ]
    assert world.heard() == []

    # What comes back is reported again.
    world.record(FAILED.format("money"))
    assert titles(world.heard()) == [("finops", "1 new")]
    assert world.record(
        "select kind, recipient, notified_at is not null, resolved_at is null"
        " from pipeline.problems order by all"
    ) == [
        ("finops_tests", "finops", True, True),
        ("finops_tests", "finops", True, True),
        ("platforms_late", "oncall", True, True),
    ]


def test_what_has_happened_once_and_for_all_is_never_over(world: World) -> None:
    commitment = {"ends_at": "2026-12-01", "payer_account_id": "1", "commitment_id": "ri"}
    world.put(
        "commitments", commitment | {"commitment_type": "reservation", "commitment_name": "r"}
    )
    assert titles(world.heard()) == [("finops", "1 new")]
    world.change("delete from marts.commitments")
    assert world.heard() == []
    assert world.heard(digest="day") == []


def test_what_lies_long_back_is_not_new_and_is_over_once_it_was_reported(world: World) -> None:
    old = health("2026-10-30", missing=24)
    world.put("platform_health", old, *(health(day) for day in days(28)))
    assert world.heard() == []
    world.change("update marts.platform_health set usage_date = '2026-10-31' where missing = 24")
    assert titles(world.heard()) == [("oncall", "1 new")]
    world.change("update marts.platform_health set status = 'good'")
    assert titles(world.heard()) == [("oncall", "1 over")]


def test_a_new_owner_hears_of_it_too(world: World) -> None:
    world.put("platform_health", health("2026-11-27"), health("2026-11-28", missing=24))
    world.heard()
    world.change("update marts.contacts set contact = 'finops' where platform = 'k8s'")
    assert titles(world.heard()) == [("finops", "1 new")]


def test_a_digest_comes_once_a_day_or_week_and_lists_what_is_open(world: World) -> None:
    world.record(FAILED.format("money"))
    assert titles(world.heard(digest="day")) == [("finops", "Infraspend, digest of the day: 1 new")]
    assert world.heard(digest="day") == []
    world.record(FAILED.format("shares"))
    # It waits for the next digest.
    assert world.heard(digest="day") == []
    world.record("update pipeline.problems set digested_at = digested_at - interval 1 day")
    ((_, title, text),) = world.heard(digest="day")
    assert title == "Infraspend, digest of the day: 1 new, 1 still open"
    assert text.index("Identities that failed\n") < text.index("Identities that failed, still")
    # A day is no week.
    world.record("update pipeline.problems set digested_at = digested_at - interval 7 day")
    assert len(world.heard(digest="week")) == 1
    assert world.heard(digest="week") == []
    world.record("delete from pipeline.unproven")
    world.record("update pipeline.problems set digested_at = digested_at - interval 7 day")
    ((_, title, _),) = world.heard(digest="week")
    assert title == "Infraspend, digest of the week: 2 over"
    world.record("update pipeline.problems set digested_at = digested_at - interval 7 day")
    assert world.heard(digest="week") == []


def test_whom_nobody_reaches_is_named_and_notified_by_the_next_run(world: World) -> None:
    world.record(FAILED.format("money"))
    world.put("contacts", {"team": "core", "contact": "core"}, {"team": "odd", "contact": "a b"})
    for team, account in (("core", "1"), ("odd", "2"), ("web", "3")):
        spend = spent("2026-11-28", "x", 1, current_team=team, account_id=account)
        world.put("daily_spend", spend)
        world.put("daily_spend", spend | {"lyft_label": "unlabeled", "spend": 99, "platform": "p"})
    world.hook.refuses.add("finops")

    notified = world.notify()

    assert notified.sent == ("web@example.com",)
    assert notified.unreached == {
        "a b": "is neither an e-mail address nor a tag: letters, digits, - and _",
        "core": f"no service in {world.services} has the tag core",
        "finops": f"JSON ({world.hook.url('finops')}): Failed to send JSON POST"
        " notification: Internal server error., error=500.",
    }
    world.hook.refuses.clear()
    world.box.mails.clear()
    world.serve("finops", "core")
    notified = world.notify()
    assert (notified.sent, set(notified.unreached)) == (("core", "finops"), {"a b"})
    assert world.box.mails == []


def test_one_service_of_several_that_fails_is_named_and_the_others_are_not_notified_twice(
    world: World,
) -> None:
    world.record(FAILED.format("money"))
    world.services.write_text(f"""
urls:
  - {world.hook.url("first")}:
      tag: finops
  - {world.hook.url("second")}:
      tag: finops
""")
    world.hook.refuses.add("second")
    notified = world.notify()
    assert notified.sent == ("finops",)
    assert "/second" in notified.unreached["finops"]
    assert "/first" not in notified.unreached["finops"]
    assert [to for to, _, _ in world.hook.taken()] == ["first"]
    assert world.heard() == []


HOSTILE = "<script>alert(1)</script>\u202e&amp; *x* [l](http://evil) {spend}\r\nBcc: evil@x.com"


def test_hostile_labels_stay_text(world: World) -> None:
    world.put("daily_spend", *(spent(day, HOSTILE, 100) for day in days(28)))
    world.notify()
    ((to, mail),) = world.box.mails
    assert to == ["web@example.com"]
    assert mail["Subject"] == "Infraspend: 1 new"
    assert mail["Bcc"] is None
    assert "<script" not in part(mail, "html")
    shown = (
        "<script>alert(1)</script>\ufffd&amp; *x* [l](http://evil) {spend}\ufffd\ufffdBcc:"
        " evil@x.com"
    )
    assert shown in " ".join(part(mail, "plain").split())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\ufffd&amp;amp; *x*" in part(mail, "html")
    assert f'<a href="{DASHBOARD}/services/script-alert-1-script-' in part(mail, "html")


def test_a_dry_run_prints_and_keeps_nothing(world: World) -> None:
    world.record(FAILED.format("money"))
    before = world.warehouse.read_bytes()
    notified = world.notify(dry_run=True)
    assert notified.sent == ("finops",)
    assert notified.texts[0].startswith(
        "To finops: Infraspend: 1 new\n\nProblems: 1 new.\n\nIdentities"
    )
    assert world.hook.taken() == []
    assert world.warehouse.read_bytes() == before
    world.serve("oncall")
    assert world.notify(dry_run=True).unreached == {
        "finops": f"no service in {world.services} has the tag finops"
    }
    world.services.unlink()
    assert world.notify(dry_run=True).sent == ("finops",)


def test_secrets_that_others_may_read_are_refused(world: World) -> None:
    world.services.write_text("urls:\n  - json://me:secret@127.0.0.1:\n      tag: finops\n")
    world.services.chmod(0o644)
    with pytest.raises(InfraspendError, match=r"may be read by others \(mode 644\): chmod 600 /"):
        world.notify()
    world.services.chmod(0o600)
    world.notify()
    # Without a secret there is nothing to keep.
    world.serve("finops")
    world.services.chmod(0o644)
    world.notify()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("urls:\n  - nothing://127.0.0.1:\n      tag: finops\n", "cannot be used"),
        ("urls: [", "cannot be used"),
        ("version: 1\n", "cannot be used|names no service"),
        (None, "there is no such file of services"),
    ],
)
def test_a_file_of_services_that_is_wrong_is_refused(
    world: World, text: str | None, says: str
) -> None:
    world.services.unlink()
    if text is not None:
        world.services.write_text(text)
    with pytest.raises(InfraspendError, match=says):
        world.notify()


def test_an_analyst_adds_a_kind(world: World, tmp_path: Path) -> None:
    from infraspend.publishers.notifying import notify

    project = tmp_path / "project"
    folder = project / "analyses" / "notify"
    folder.mkdir(parents=True)
    (folder / "dear.sql").write_text(
        "select null as recipient, lyft_label as problem, max(usage_date) as happened_on,"
        " lyft_label, sum(spend) as spend from {{ ref('daily_spend') }} group by lyft_label"
    )
    entry = "analyses:\n  - name: dear\n    config:\n      meta:\n        notify:\n"
    (folder / "kinds.yml").write_text(
        f"{entry}          title: Dear\n          says: ['{{gone}}']\n"
    )
    arguments = (world.published, world.warehouse, project, world.services)
    with pytest.raises(InfraspendError, match=r"dear\.sql has no column gone"):
        notify(*arguments)
    (folder / "kinds.yml").write_text(
        f"{entry}          title: Dear\n          says: ['{{lyft_label}} costs {{spend}}.']\n"
    )
    notify(*arguments)
    assert "- api costs $112.00." in world.hook.taken()[0][2]
    (folder / "kinds.yml").write_text(f"{entry}          title: Dear\n")
    with pytest.raises(InfraspendError, match="dear has no says"):
        notify(*arguments)
    (folder / "other.sql").write_text("select 1")
    with pytest.raises(InfraspendError, match="other needs both"):
        notify(*arguments)


@pytest.mark.thorough
def test_the_command_says_whom_it_notified_and_fails_for_others(world: World) -> None:
    world.record(FAILED.format("money"))
    options = ("--warehouse", world.warehouse, "--dashboard", DASHBOARD)
    dry = run("notify", "--dry-run", *options, cwd=world.root)
    assert dry.returncode == 0, dry.stderr
    assert f"{DASHBOARD}/invoice.html" in dry.stdout
    assert dry.stdout.endswith("notify: 1 message would be sent: to finops\n")
    world.hook.refuses.add("finops")
    failed = run("notify", *options, cwd=world.root)
    assert failed.returncode == 1
    assert failed.stdout == "notify: 0 messages were sent\n"
    assert failed.stderr.splitlines()[-1].startswith("error: 1 recipient not reached: finops: JSON")
    world.hook.refuses.clear()
    sent = run("notify", *options, cwd=world.root)
    assert (sent.returncode, sent.stdout) == (0, "notify: 1 message were sent: to finops\n")
    assert run("notify", "--dashboard", "ftp://x", cwd=world.root).returncode == 2
    gone = run("notify", "--from", "nowhere", *options, cwd=world.root)
    assert "nowhere/infraspend.duckdb is not there: run infraspend publish" in gone.stderr
