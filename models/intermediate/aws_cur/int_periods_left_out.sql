-- The payers' billing periods that cannot be right, with the reason, the evidence and the dollars:
-- no mart is built from them, so that they do not stop other payers. One row each, with the first
-- reason that applies.
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

with

line_items as (
    select * from {{ ref('stg_aws_cur__line_items') }}
    where {{ in_month('billing_period') }}
),

priced as (
    select * from {{ ref('int_charges_priced') }}
    where {{ in_month('billing_period') }}
),

allocated as (
    select * from {{ ref('int_charges_discount_allocated') }}
    where {{ in_month('billing_period') }}
),

control_totals as (
    select
        billing_period,
        payer_account_id,
        case
            when has_net_costs then landed_net_unblended_cost + landed_unblended_cost_without_net
            else landed_unblended_cost
        end as billed_cost
    from {{ ref('stg_aws_cur__control_totals') }}
    where {{ in_month('billing_period') }}
),

invoices as (
    select
        billing_period,
        payer_account_id,
        invoice_id,
        {{ usd('amount') }} as invoice_cost
    from {{ ref('invoice_totals') }}
    where {{ in_month('billing_period') }}
),

billed as (
    select * from {{ ref('int_invoices') }}
    where {{ in_month('billing_period') }}
),

summaries as (
    select
        summaries.billing_period,
        summaries.payer_account_id,
        summaries.account_id,
        deliveries.report
    from {{ ref('stg_aws_cur__summaries') }} as summaries
    inner join {{ ref('stg_aws_cur__deliveries') }} as deliveries
        on summaries.assembly_id = deliveries.assembly_id
    where {{ in_month('summaries.billing_period') }} and deliveries.is_current
),

-- Two reports that cover the same payer, account and billing period would count it twice.
of_two_reports as (
    select
        billing_period,
        payer_account_id,
        account_id,
        min(report) as one_report,
        max(report) as another_report
    from summaries
    group by billing_period, payer_account_id, account_id
    having min(report) <> max(report)
),

-- So would two payers' reports that cover the same usage, as pro forma ones and those of a billing
-- transfer do. An account that moves in the middle of a month has each hour on one of them, but the
-- hour, or on a daily report the day, in which it moved: the last of the one and the first of the
-- other.
shared_accounts as (
    select
        billing_period,
        account_id
    from summaries
    group by billing_period, account_id
    having min(payer_account_id) <> max(payer_account_id)
),

account_hours as (
    select distinct
        priced.billing_period,
        priced.payer_account_id,
        priced.account_id,
        priced.usage_hour
    from priced
    inner join shared_accounts
        on
            priced.billing_period = shared_accounts.billing_period
            and priced.account_id = shared_accounts.account_id
    where priced.charge_class = 'usage' and not priced.is_period_charge
),

hours_with_ends as (
    select
        *,
        min(usage_hour) over (partition by billing_period, account_id, payer_account_id)
            as first_hour,
        max(usage_hour) over (partition by billing_period, account_id, payer_account_id)
            as last_hour
    from account_hours
),

of_two_payers as (
    select
        hours.billing_period,
        hours.payer_account_id,
        hours.account_id,
        other_hours.payer_account_id as other_payer,
        count(*) as shared_hours
    from hours_with_ends as hours
    inner join hours_with_ends as other_hours
        on
            hours.billing_period = other_hours.billing_period
            and hours.account_id = other_hours.account_id
            and hours.usage_hour = other_hours.usage_hour
    where hours.payer_account_id <> other_hours.payer_account_id
    group by
        hours.billing_period,
        hours.payer_account_id,
        hours.account_id,
        other_hours.payer_account_id,
        hours.first_hour,
        hours.last_hour,
        other_hours.first_hour,
        other_hours.last_hour
    having
        hours.last_hour > other_hours.first_hour and other_hours.last_hour > hours.first_hour
        or hours.first_hour = other_hours.first_hour and hours.last_hour = other_hours.last_hour
),

sums as (
    select
        billing_period,
        payer_account_id,
        has_net_costs,
        sum(
            case
                when is_negotiated_discount then coalesce(net_unblended_cost, 0)
                else coalesce(net_unblended_cost, unblended_cost)
            end
        ) as net_unblended_cost,
        sum(unblended_cost) as unblended_cost,
        coalesce(sum(discount_cost), 0) as discount_cost,
        sum(abs(unblended_cost)) as gross_cost,
        sum(
            case
                when net_unblended_cost = 0 and unblended_cost > 0 then unblended_cost
                else 0
            end
        ) as cost_without_net,
        count(*) as line_count,
        count(net_unblended_cost) as lines_with_net,
        count(discount_cost) + count(case when is_negotiated_discount then 1 end)
            as lines_with_discounts,
        min(invoice_id) <> '' as is_invoiced
    from line_items
    group by billing_period, payer_account_id, has_net_costs
),

-- The amortized cost of commitments equals the fees paid and the period's part of the upfront
-- payment. AWS rounds.
commitments as (
    {%- for charges in ['priced', 'allocated'] %}
        select
            billing_period,
            payer_account_id,
            sum(net_amortized_cost - net_unblended_cost - amortized_upfront_cost) as difference
        from {{ charges }}
        where
            (
                charge_class in ('negation', 'commitment_fee')
                or (charge_class = 'usage' and pricing_model in ('reserved', 'savings_plan'))
            )
            {%- if not loop.last %}
                and not exists (
                    select 1
                    from allocated
                    where
                        allocated.billing_period = priced.billing_period
                        and allocated.payer_account_id = priced.payer_account_id
                )
            {%- endif %}
        group by billing_period, payer_account_id
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

reasons as (
    select
        billing_period,
        payer_account_id,
        1 as reason_order,
        'two_reports' as reason,
        concat(
            'account ', account_id, ' is on the reports ', one_report, ' and ', another_report,
            ': name the one to use for the payer in reports.csv'
        ) as evidence
    from of_two_reports
    union all
    select
        billing_period,
        payer_account_id,
        2 as reason_order,
        'two_payers' as reason,
        concat(
            'account ', account_id, ' has ', cast(shared_hours as {{ dbt.type_string() }}),
            ' hours on the bill of payer ', other_payer,
            ' too: name in reports.csv, for one of the two payers, the report of the other'
        ) as evidence
    from of_two_payers
    union all
    -- Net costs are the unblended costs less the negotiated discounts, whether those are lines of
    -- their own or columns. Where no discount is delivered, there is nothing to compare.
    select
        billing_period,
        payer_account_id,
        3 as reason_order,
        'net_costs_contradict_discounts' as reason,
        concat(
            'unblended_cost_and_discounts=',
            cast(unblended_cost + discount_cost as {{ dbt.type_string() }}),
            ', net_unblended_cost=', cast(net_unblended_cost as {{ dbt.type_string() }}),
            ', difference=',
            cast(
                net_unblended_cost - unblended_cost - discount_cost as {{ dbt.type_string() }}
            ),
            ': have AWS correct the report, load it and build again'
        ) as evidence
    from sums
    where
        has_net_costs
        and lines_with_discounts > 0
        and abs(net_unblended_cost - unblended_cost - discount_cost)
        > {{ aws_tolerance('gross_cost', 'line_count') }}
    union all
    -- No negotiated discount takes nine tenths off a whole bill, or all off a tenth of it without
    -- being named on the bill. Where net costs are all 0, as if there were none, no discount may be
    -- delivered as a column beside them.
    select
        billing_period,
        payer_account_id,
        4 as reason_order,
        'net_costs_too_small' as reason,
        concat(
            'unblended_cost=', cast(unblended_cost as {{ dbt.type_string() }}),
            ', net_unblended_cost=', cast(net_unblended_cost as {{ dbt.type_string() }}),
            ', discount_cost=', cast(discount_cost as {{ dbt.type_string() }}),
            ', cost_of_lines_with_net_0=', cast(cost_without_net as {{ dbt.type_string() }}),
            ': have AWS correct the report, load it and build again'
        ) as evidence
    from sums
    where
        (
            has_net_costs
            and lines_with_discounts = 0
            and (
                unblended_cost > 0 and net_unblended_cost * 10 < unblended_cost
                or cost_without_net * 10 > gross_cost
            )
        )
        or (not has_net_costs and lines_with_net > 0 and discount_cost <> 0)
    union all
    -- A month that AWS has not invoiced yet may still change.
    select
        sums.billing_period,
        sums.payer_account_id,
        5 as reason_order,
        'commitments_do_not_add_up' as reason,
        concat(
            'the amortized cost of commitments differs from what was paid for them by ',
            cast(commitments.difference as {{ dbt.type_string() }}),
            ': have AWS correct the report, load it and build again'
        ) as evidence
    from sums
    inner join commitments
        on
            sums.billing_period = commitments.billing_period
            and sums.payer_account_id = commitments.payer_account_id
    where
        sums.is_invoiced
        and abs(commitments.difference)
        > {{ aws_tolerance('sums.gross_cost', 'sums.line_count') }}
    union all
    -- To the cent that AWS rounds an invoice to.
    select
        invoices.billing_period,
        invoices.payer_account_id,
        6 as reason_order,
        'invoice_is_another_one' as reason,
        concat(
            'invoice ', invoices.invoice_id, ' is ',
            cast(invoices.invoice_cost as {{ dbt.type_string() }}), ' in invoice_totals.csv and ',
            coalesce(cast(billed.billed_cost as {{ dbt.type_string() }}), 'nothing'),
            ' on the bill: correct the one or have AWS correct the other, and build again'
        ) as evidence
    from invoices
    left join billed
        on
            invoices.billing_period = billed.billing_period
            and invoices.payer_account_id = billed.payer_account_id
            and invoices.invoice_id = billed.invoice_id
    where coalesce(abs(invoices.invoice_cost - billed.billed_cost) > 0.01, true)
),

ranked as (
    select
        *,
        row_number() over (
            partition by billing_period, payer_account_id order by reason_order, evidence
        ) as reason_number
    from reasons
)

select
    -- which period
    ranked.billing_period,
    ranked.payer_account_id,

    -- why
    ranked.reason,
    ranked.evidence,

    -- what it cost
    cast(control_totals.billed_cost as decimal(38, 18)) as billed_cost
from ranked
inner join control_totals
    on
        ranked.billing_period = control_totals.billing_period
        and ranked.payer_account_id = control_totals.payer_account_id
where ranked.reason_number = 1
