"""The singular tests bite, and so does whatever guards what landed."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.end_to_end.companies import SINGULAR_TESTS, WITHOUT_UNIT_TESTS, Company
from tests.models.originals import copy_of, run

pytestmark = pytest.mark.thorough

A_LINE = "rowid = (select min(rowid) from raw_aws_cur.line_items where line_item_line_item_type ="
DIGIT = "0.0000000001"

# Test -> what is done to a warehouse in which all is well, so that it must speak.
BREAKS = {
    "prepayments_are_amortized": """
        insert into intermediate.int_unamortized_prepayments
            (payer_account_id, reservation_id, billing_period, prepaid_cost)
        values ('a payer', 'arn:host', '2026-11', 876)
    """,
    "the_flow_does_not_break": """
        update marts.pipeline_flow set rows_in_ratio = 0.4 where stage = 'bill'
    """,
    "the_focus_bill_is_explained": f"""
        insert into marts.focus_bridge (billing_period, payer_account_id, bridge_item, amount)
        values ('2026-11', 'a payer', 'unexplained', {DIGIT})
    """,
    "every_statement_is_whole": """
        insert into raw_focus._dlt_loads (load_id, schema_name, status, inserted_at)
        values ('a load', 'raw_focus', 0, now());
        insert into raw_focus.statements (
            statement_id, provider, billing_account_id, billing_period, line_count, _dlt_load_id
        )
        values ('lost', 'Microsoft', 'an account', '2026-11', 1, 'a load')
    """,
    # Of an AWS payer whose report has landed, too.
    "months_are_on_one_bill": """
        insert into raw_focus.statements (
            statement_id, provider, billing_account_id, billing_period, line_count, _dlt_load_id
        )
        values ('second', 'AWS', '111122223333', '2026-11', 1, 'a load');
        insert into raw_focus.control_totals (statement_id, provider, line_count, _dlt_load_id)
        values ('second', 'AWS', 1, 'a load')
    """,
    "cost_explorer_is_explained": f"""
        insert into marts.cost_explorer_bridge (
            billing_period, payer_account_id, bridge_item, amount
        )
        values ('2026-11', 'a payer', 'unexplained', {DIGIT})
    """,
    "the_invoice_is_explained": f"""
        update marts.invoice_bridge set amount = {DIGIT} where bridge_item = 'unexplained'
    """,
    # AWS has invoiced the month: before that, its own sums may still move.
    "aws_rounds_within_its_tolerance": """
        update marts.invoice_bridge set amount = 1000 where bridge_item = 'aws_rounding';
        update raw_aws_cur.line_items set bill_invoice_id = 'INVOICE-1'
    """,
    "no_charge_is_matched_twice": """
        insert into intermediate.int_platform_keys from intermediate.int_platform_keys limit 1
    """,
    "platform_resources_name_a_platform": """
        insert into seeds.platform_resources (platform, sub_platform, lyft_label)
        values ('k8s', 'nowhere', 'api')
    """,
    "platform_resources_find_something": """
        update seeds.platform_resources set lyft_label = 'lyftlaern' where lyft_label = 'lyftlearn'
    """,
    "label_rules_find_something": """
        insert into seeds.label_rules (rule_order, match_on, match_key, match_type, lyft_label)
        values (5, 'pod_label', 'notebok-name', 'present', '{value}')
    """,
    "platforms_have_plain_names": """
        update seeds.platforms set sub_platform = 'a > b' where platform = 'lyftlearn'
    """,
    "invoices_say_what_the_bill_says": """
        insert into seeds.invoice_totals (payer_account_id, billing_period, invoice_id, amount)
        values ('000111111111', '2026-11', 'never-sent', '1')
    """,
    "every_line_item_type_is_known": f"""
        update raw_aws_cur.line_items set line_item_line_item_type = 'TypeOfTomorrow'
        where {A_LINE} 'Credit')
    """,
    "reservations_are_paid_by_used_and_unused": f"""
        update raw_aws_cur.line_items set reservation_effective_cost = 100
        where {A_LINE} 'DiscountedUsage')
    """,
    "savings_plan_fees_pay_the_commitment": f"""
        update raw_aws_cur.line_items set savings_plan_total_commitment_to_date = 100
        where {A_LINE} 'SavingsPlanRecurringFee')
    """,
    "savings_plans_are_used_by_what_they_cover": f"""
        update raw_aws_cur.line_items set savings_plan_savings_plan_effective_cost = 100
        where {A_LINE} 'SavingsPlanCoveredUsage')
    """,
    "savings_plans_negate_what_they_cover": """
        delete from intermediate.int_charges_priced where charge_class = 'negation'
    """,
    # The reservations were bought before the simulation begins.
    "upfront_discounts_are_known": """
        insert into intermediate.int_charges_discount_allocated (billing_period, payer_account_id)
        select distinct billing_period, payer_account_id from intermediate.int_charges_priced
    """,
    "each_platform_splits_what_the_one_before_left": f"""
        update marts.explained_splits set spend_after = spend_after + {DIGIT}
        where rowid = (select min(rowid) from marts.explained_splits where not is_last_step)
    """,
    "price_changes_miss_no_spend": """
        insert into marts.price_changes (billing_period, spend) values ('2026-11', 1)
    """,
    "price_effects_add_up_to_the_change": f"""
        insert into marts.price_changes (
            billing_period, spend, previous_spend, length_effect, volume_effect, rate_effect,
            commitment_effect
        )
        values ('2026-11', 2, 1, 0, 1, 0, {DIGIT})
    """,
    "every_account_and_tag_set_is_whole": f"""
        update raw_aws_cur.line_items set line_item_usage_account_id = '999999999999'
        where {A_LINE} 'Tax')
    """,
    "every_assembly_is_whole": f"""
        update raw_aws_cur.line_items
        set line_item_unblended_cost = line_item_unblended_cost + {DIGIT}
        where {A_LINE} 'Tax')
    """,
    "instances_billed_are_in_a_charge": """
        insert into intermediate.int_instances_billed (billing_period, charge_id)
        values ('2026-11', 'of another line')
    """,
    "every_hour_has_its_month": """
        insert into raw_kubernetes.scrape_hours
        select * replace (timestamp '2031-01-01' as usage_hour)
        from raw_kubernetes.scrape_hours
    """,
    # Of another payer: of the one whose lines other breaks change nothing would be left.
    "every_period_that_landed_is_served": """
        insert into raw_aws_cur.assemblies
        select * replace ('another' as assembly_id, '000222222222' as payer_account_id)
        from raw_aws_cur.assemblies limit 1;
        insert into raw_aws_cur.control_totals
        select * replace ('another' as assembly_id, '000222222222' as payer_account_id)
        from raw_aws_cur.control_totals where line_count > 0 limit 1;
        insert into seeds.reports (report, payer_account_id)
        values ('never-delivered', '000222222222')
    """,
    "closed_periods_have_their_assembly": """
        insert into seeds.closed_periods (payer_account_id, billing_period, assembly_id)
        values ('000111111111', '2026-11', 'never-landed')
    """,
    "cost_models_fit_their_schedules": """
        update seeds.platforms set cost_model = 'usage' where schedule_source = 'kubernetes'
    """,
    "fixed_shares_are_of_a_whole_platform": """
        insert into seeds.platform_resources (platform, sub_platform, lyft_label, cost_model)
        values ('spark', 'production', 'api', 'fixed')
    """,
    "what_is_published_is_declared": """
        delete from seeds.platforms where platform = 'spark'
    """,
    "cost_models_compared_split_the_same_spend": """
        insert into marts.cost_model_comparison (platform, spend, current_spend)
        values ('k8s', 1, 2)
    """,
    "no_part_is_matched_twice": """
        insert into intermediate.int_platform_dependencies (
            platform, sub_platform, lyft_label, next_platform, next_sub_platform,
            declared_from, valid_from, valid_until, usage_month
        )
        select
            'k8s', 'core-0', 'api', next_platform, 'all', '2026-01-01', '2026-01-01', '2027-01-01',
            '2026-11'
        from (values ('spark'), ('gpu')) as claims (next_platform)
    """,
    "platforms_are_not_stacked_too_high": """
        insert into intermediate.int_allocation_levels (
            level, platform, next_platform, is_a_circle, usage_month
        )
        values (4, 'k8s', 'a-fifth', false, '2026-11')
    """,
    "platforms_never_run_in_circles": """
        insert into intermediate.int_allocation_levels (platform, is_a_circle, usage_month)
        values ('k8s', true, '2026-11')
    """,
    # Two payers where there is one.
    "something_is_left_of_every_period": """
        insert into intermediate.int_periods_left_out (billing_period, payer_account_id)
        values ('2026-11', 'one'), ('2026-11', 'another')
    """,
    "periods_are_left_out": """
        insert into intermediate.int_periods_left_out (billing_period, payer_account_id)
        values ('2026-10', 'a third')
    """,
    # Of the column that the test carries, see below.
    "carried_columns_were_delivered": """
        update raw_aws_cur.line_items set other_columns = null
    """,
    "commitments_are_named": """
        insert into intermediate.int_charges_discount_allocated (
            billing_period, payer_account_id, charge_class, pricing_model, reservation_id,
            savings_plan_id, net_amortized_cost
        )
        values ('2026-11', 'a payer', 'usage', 'reserved', 'arn:renamed', '', 1)
    """,
    "workloads_add_up_to_their_label": f"""
        update intermediate.int_workload_shares set proportion = proportion - {DIGIT}
    """,
    "workloads_miss_no_spend": f"""
        update marts.workload_spend set spend = spend + {DIGIT}
    """,
}

# What they find may be as it should be, and is a warning; every other test stops the build.
MAY_WARN = {
    "carried_columns_were_delivered",
    "commitments_are_named",
    "cost_explorer_is_explained",
    "every_line_item_type_is_known",
    "invoices_say_what_the_bill_says",
    "label_rules_find_something",
    "months_are_on_one_bill",
    "periods_are_left_out",
    "platform_resources_find_something",
    "prepayments_are_amortized",
    "reservations_are_paid_by_used_and_unused",
    "savings_plan_fees_pay_the_commitment",
    "savings_plans_are_used_by_what_they_cover",
    "savings_plans_negate_what_they_cover",
    "the_flow_does_not_break",
    "upfront_discounts_are_known",
    "what_is_published_is_declared",
}

# A build skips what depends on a model of which a test failed.
WARN_ONLY = """
data_tests:
  infraspend:
    +severity: warn
"""

BACKWARD = "select lyft_label from {{ ref('true_cost') }}"

# How a line that landed can go wrong afterwards.
DAMAGES = {
    "a line is gone": f"delete from raw_aws_cur.line_items where {A_LINE} 'Tax')",
    "a line is there twice": f"""
        insert into raw_aws_cur.line_items from raw_aws_cur.line_items where {A_LINE} 'Tax')
    """,
    "a digit changed": f"""
        update raw_aws_cur.line_items
        set line_item_unblended_cost = line_item_unblended_cost + {DIGIT}
        where {A_LINE} 'Usage')
    """,
}


def execute(company: Company, *statements: str) -> None:
    with duckdb.connect(company.warehouse) as connection:
        for statement in statements:
            connection.execute(statement)


def test_only_these_tests_may_warn() -> None:
    warn = {test.stem for test in SINGULAR_TESTS if "severity='warn'" in test.read_text()}
    assert warn == MAY_WARN


def test_every_singular_test_has_a_break() -> None:
    assert {test.stem for test in SINGULAR_TESTS} == {*BREAKS, "layers_flow_one_way"}


def test_every_break_is_noticed(companies: dict[str, Company], tmp_path: Path) -> None:
    broken = copy_of(companies["simulated"], tmp_path / "broken")
    execute(broken, *BREAKS.values(), "update pipeline.months set why = 'broken on purpose'")
    (broken.project / "models" / "staging" / "backward.sql").write_text(BACKWARD)

    with (broken.project / "dbt_project.yml").open("a") as settings:
        settings.write(WARN_ONLY)

    carrying = ("--vars", "{carry_columns: [never_delivered]}")
    tests = run(broken, "--select", *BREAKS, "layers_flow_one_way", *carrying).nodes

    quiet = {node.name: node.status for node in tests if node.status != "warn"}
    assert quiet == {}
    assert {node.name for node in tests} == {*BREAKS, "layers_flow_one_way"}


def test_net_costs_that_contradict_the_discounts_stop_the_build_with_the_evidence(
    companies: dict[str, Company], tmp_path: Path
) -> None:
    broken = copy_of(companies["simulated"], tmp_path / "broken")
    execute(
        broken,
        f"""
        update raw_aws_cur.line_items
        set line_item_net_unblended_cost = line_item_net_unblended_cost - 100
        where {A_LINE} 'Usage')
        """,
    )
    shutil.rmtree(broken.project / "artifacts")
    name = "something_is_left_of_every_period"

    # What changed without a load is found by a full refresh.
    result = broken.build("--full-refresh", "--select", f"+{name}", *WITHOUT_UNIT_TESTS)

    (failure,) = [said for said in result.failures if said.startswith(name)]
    # The simulated company's only payer; a line's net cost is 100 dollars too low.
    for evidence in (
        "billing_period=2026-11",
        "payer_account_id=111122223333",
        "unblended_cost_and_discounts=",
        "difference=-100.0000000000",
        "have AWS correct the report",
    ):
        assert evidence in failure


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_landed_line_that_is_not_as_it_was_stops_the_build(
    companies: dict[str, Company], tmp_path: Path, damage: str
) -> None:
    damaged = copy_of(companies["simulated"], tmp_path / "damaged")
    execute(damaged, DAMAGES[damage])
    (assembly,) = damaged.rows("select assembly_id from raw_aws_cur.assemblies")
    shutil.rmtree(damaged.project / "artifacts")

    # What a delivery holds is counted when it is first read, and by every full refresh.
    result = damaged.build("--full-refresh", *WITHOUT_UNIT_TESTS)

    assert not result.succeeded
    assert any(
        failure.startswith("every_assembly_is_whole") and assembly[0] in failure
        for failure in result.failures
    ), result.failures
