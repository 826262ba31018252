"""Each kind of problem is found with its dollars, and goes to whom it concerns."""

import pytest

from tests.notifying.conftest import DASHBOARD, World, days, health, spent


def said(world: World, path: str = "oncall") -> list[str]:
    """The lines of what was sent to a tag, but for the first and the last."""
    (text,) = (text for to, _, text in world.heard() if to == path)
    return [line for line in text.splitlines() if line][1:-1]


def test_owners_hear_of_hours_that_are_late_missing_or_filled_in(world: World) -> None:
    world.put("platform_health", *(health(day) for day in days(28)[:20]))
    world.put("platform_health", health("2026-11-21", missing=3))
    world.put("platform_health", health("2026-11-22", missing=24, unknown_resources="cpu"))
    world.put("platform_health", health("2026-11-23", interpolated=2))
    world.put("platform_health", health("2026-11-24", missing=1, interpolated=1))
    world.put("platform_health", health("2026-11-25"), health("2026-11-26", interpolated=1))
    world.put("platform_health", health("2026-11-27", missing=24), health("2026-11-28", missing=24))

    link = f"{DASHBOARD}/platforms.html"
    assert said(world) == [
        "Usage or schedules that are late",
        "- k8s: blue: there is no data for the last 48 hours of the bill. The last day with data"
        " is 2026-11-26. $48.00 are split by older shares, or not at all.",
        link,
        "Hours without data",
        "- k8s: blue, 2026-11-21 to 2026-11-22, 48 hours. 27 of them are missing: carried forward,"
        " or with the label that the charge came with. Metrics were missing for cpu. $27.00"
        " depend on these hours.",
        link,
        "- k8s: blue, 2026-11-23 to 2026-11-23, 24 hours. 2 of them are filled in from hours on"
        " both sides. $2.00 depend on these hours.",
        link,
        "- k8s: blue, 2026-11-24 to 2026-11-24, 24 hours. 1 of them are missing: carried forward,"
        " or with the label that the charge came with. 1 of them are filled in from hours on both"
        " sides. $2.00 depend on these hours.",
        link,
        "- k8s: blue, 2026-11-26 to 2026-11-26, 24 hours. 1 of them are filled in from hours on"
        " both sides. $1.00 depend on these hours.",
        link,
    ]


def test_what_has_ended_is_not_late_and_neither_is_less_than_a_day(world: World) -> None:
    ended = {"platform": "spark", "sub_platform": "old"}
    world.put("platform_health", health("2026-11-20", **ended))
    world.put("platform_health", health("2026-11-21", missing=24, **ended))
    world.put("platform_health", health("2026-11-27"))
    world.put("platform_health", health("2026-11-28", missing=5, expected=5, measured=0))
    assert world.heard() == []
    # What was never seen is late from its first day on.
    world.put(
        "platform_health", health("2026-11-28", missing=24, platform="spark", sub_platform="new")
    )
    ((to, _, text),) = world.heard()
    assert to == "finops"
    assert "spark: new: there is no data for the last 24 hours of the bill. $24.00 are" in text


def test_owners_hear_of_splits_that_have_changed(world: World) -> None:
    world.put("platform_health", *(health(day, drift="0.1") for day in days(28)[:25]))
    world.put("platform_health", health("2026-11-26", drift="0.25"))
    world.put("platform_health", health("2026-11-27", drift="0.5"))
    world.put("platform_health", health("2026-11-28", drift="0.3"))
    on_blue = {"platform": "k8s", "sub_platform": "blue"}
    world.put("daily_spend", *(spent(day, "api", 10, **on_blue) for day in days(4)))
    assert said(world) == [
        "Splits that have changed",
        "- k8s: blue: since 2026-11-26 up to 50.0 % of the split is with other labels than in the"
        " 28 days before. $30.00 were split so: has a tenant moved, or did the measuring change?",
        f"{DASHBOARD}/platforms.html",
    ]


@pytest.mark.parametrize(
    ("unlabeled", "other", "is_told"), [(50, 950, True), (49, 951, False), (9, 0, False)]
)
def test_the_team_that_spends_most_in_an_account_hears_of_what_has_no_label(
    world: World, unlabeled: int, other: int, is_told: bool
) -> None:
    account = {"account_id": "444455556666"}
    world.put("daily_spend", spent("2026-11-28", "api", other, **account))
    unowned = {"current_team": "unassigned", **account}
    world.put("daily_spend", spent("2026-11-02", "unlabeled", unlabeled, product="S3", **unowned))
    # Long ago.
    world.put("daily_spend", spent("2026-10-31", "unlabeled", 1000, **unowned))
    world.notify()
    found = [
        (to, str(mail.get_body(("plain",))))
        for to, mail in world.box.mails
        if "444455556666" in mail.as_string()
    ]
    assert bool(found) is is_told
    if is_told:
        ((to, text),) = found
        assert to == ["web@example.com"]
        assert "$50.00 of $1,000.00 in the last 28 days" in " ".join(text.split())
        assert "Most of it is S3." in " ".join(text.split())


def test_whoever_owns_the_label_unlabeled_hears_of_all_of_it(world: World) -> None:
    world.put("lyft_labels", {"lyft_label": "unlabeled", "team": "core", "is_current": True})
    world.put("contacts", {"team": "core", "contact": "#oncall"})
    world.put("daily_spend", spent("2026-11-28", "unlabeled", 50, current_team="core"))
    assert [line for line in said(world) if "Account" in line] == [
        "- Account 111122223333: $50.00 of $106.00 in the last 28 days have no label. Most of it is"
        " AmazonEC2. Tag it, or ask for a label rule."
    ]


def test_a_team_hears_of_a_large_change_and_why(world: World) -> None:
    world.put("contacts", {"team": "core", "contact": "oncall"})
    for label, spend in (("db", 5), ("small", 3)):
        owned = (spent(day, label, spend, current_team="core") for day in days(28))
        world.put("daily_spend", *owned)
    for day, product, spend in (
        ("2026-10-10", "AmazonS3", 100),
        ("2026-11-10", "AmazonRDS", 120),
        ("2026-11-11", "AmazonS3", 40),
    ):
        world.put(
            "explained_spend",
            {
                **{"usage_date": day, "is_period_charge": False, "lyft_label": "db"},
                **{"product": product, "usage_type": "box", "spend": spend},
            },
        )
    for period, effect in (("2026-10", 1), ("2026-11", 30)):
        world.put(
            "price_changes",
            {
                **{"billing_period": period, "previous_period": "2026-10", "lyft_label": "db"},
                **{"length_effect": effect, "volume_effect": 100, "rate_effect": -10},
                "commitment_effect": 20,
            },
        )
    lines = said(world)
    assert lines[:2] == [
        "Spend that has changed",
        "- db spent $140.00 more in the last 28 days than in the 28 days before: $140.00 after"
        " $0.00. $120.00 more are AmazonRDS box. From 2026-10 to 2026-11: $30.00 come from the"
        " length of the month, $100.00 from use, \u2212$10.00 from prices, $20.00 from commitments"
        " and discounts.",
    ]
    assert lines[2].startswith(f"{DASHBOARD}/services/db-")
    assert len(lines) == 3


def test_finops_hears_of_what_failed_was_closed_is_new_or_expires(world: World) -> None:
    world.record(
        "insert into pipeline.unproven values"
        " ('test.infraspend.the_invoice_is_explained.a1', 'its last run ended with: fail'),"
        " ('model.infraspend.true_cost', 'it is older than what it reads: x')"
    )
    world.put(
        "invoice_bridge",
        *(
            {
                **{"billing_period": "2026-10", "payer_account_id": "999900001111"},
                **{"bridge_item": item, "amount": amount},
            }
            for item, amount in (("left_out", -70), ("unexplained", 0), ("true_cost", 5))
        ),
    )
    for cost, is_frozen_out in ((5, True), ("-1.5", True), (100, False)):
        world.put(
            "restatements",
            {
                **{"billing_period": "2026-09", "restated_at": "2026-11-20 00:00:00"},
                **{"unblended_cost_change": cost, "line_count_change": 2, "report": "cur"},
                **{"payer_account_id": "999900001111", "account_id": "1", "assembly_id": "a"},
                "is_frozen_out": is_frozen_out,
            },
        )
    for charge_class in ("other", "usage"):
        world.put(
            "explained_spend",
            {
                **{"usage_date": "2026-11-20", "billing_period": "2026-11", "spend": 12},
                **{"payer_account_id": "999900001111", "product": "AmazonNew"},
                **{"usage_type": "Thing", "charge_class": charge_class},
            },
        )
    for name, ends_at in (("near", "2026-12-28 10:00"), ("far", "2026-12-29 10:00")):
        world.put(
            "commitments",
            {
                **{"ends_at": ends_at, "payer_account_id": "999900001111", "commitment_id": name},
                **{"commitment_name": name, "commitment_type": "savings_plan"},
            },
        )
    world.put(
        "commitment_usage",
        *(
            {
                **{"usage_hour": hour, "payer_account_id": "999900001111", "unused_cost": 0},
                **{"commitment_id": "near", "commitment_type": "savings_plan"},
                "commitment_cost": "1.25",
            }
            for hour in ("2026-10-31 23:00", "2026-11-01 00:00", "2026-11-28 00:00")
        ),
    )
    assert [line for line in said(world, "finops") if not line.startswith("https")] == [
        "Identities that failed",
        "- the_invoice_is_explained: its last run ended with: fail. Until it passes, the published"
        " marts stay as they were.",
        "Invoices that are not in the marts",
        "- Payer 999900001111, 2026-10: $70.00 are left out. The warning periods_are_left_out of"
        " infraspend build says why.",
        "Closed months that AWS delivered again",
        "- Payer 999900001111, 2026-09, report cur: $3.50 in 4 more lines of 1 accounts. The month"
        " is closed, so that the marts do not have it.",
        "New types of lines",
        "- Payer 999900001111, 2026-11: $12.00 for AmazonNew are on lines of a type that is not"
        " known; they cost what AWS charged. The first usage type is Thing. The warning"
        " every_line_item_type_is_known of infraspend build names the type.",
        "Commitments that end soon",
        "- The savings plan near of payer 999900001111 ends on 2026-12-28. It cost $2.50 in the"
        " last 28 days.",
    ]
