-- What AWS changed when it delivered a billing period again: each assembly against the one before
-- it, by account and tag set. Read from the summaries of every assembly, which remain after the
-- lines are pruned.
-- depends_on: {{ ref('stg_seeds__label_rules') }}
{{ config(
    materialized='incremental', unique_key='billing_period', partition_by=spark_only('billing_period')
) }}

{# Of the columns that a rule may read, a summary has the tags and the account. #}
{% set rules = [] %}
{% for rule in label_rules() %}
    {% if not rule.conditions | rejectattr('on', 'in', ['tag', 'account']) | list %}
        {% do rules.append(rule) %}
    {% endif %}
{% endfor %}

with

assemblies as (
    select * from {{ ref('stg_aws_cur__deliveries') }}
),

summaries as (
    select * from {{ ref('stg_aws_cur__summaries') }}
    where {{ in_month('billing_period') }}
),

closed_periods as (
    select * from {{ ref('closed_periods') }}
),

in_order as (
    select
        assembly_id,
        report,
        payer_account_id,
        billing_period,
        manifest_time,
        lag(assembly_id) over (
            partition by report, payer_account_id, billing_period
            order by manifest_time asc, landed_at asc, assembly_id desc
        ) as previous_assembly_id
    from assemblies
),

before_and_after as (
    select
        in_order.assembly_id,
        summaries.payer_account_id,
        summaries.account_id,
        summaries.tags,
        summaries.line_count,
        summaries.unblended_cost,
        coalesce(summaries.net_unblended_cost, summaries.unblended_cost) as net_unblended_cost
    from in_order
    inner join summaries on in_order.assembly_id = summaries.assembly_id
    where in_order.previous_assembly_id is not null

    union all

    select
        in_order.assembly_id,
        summaries.payer_account_id,
        summaries.account_id,
        summaries.tags,
        -summaries.line_count as line_count,
        -summaries.unblended_cost as unblended_cost,
        -coalesce(summaries.net_unblended_cost, summaries.unblended_cost) as net_unblended_cost
    from in_order
    inner join summaries on in_order.previous_assembly_id = summaries.assembly_id
),

changes as (
    select
        assembly_id,
        payer_account_id,
        account_id,
        tags,
        sum(line_count) as line_count_change,
        sum(unblended_cost) as unblended_cost_change,
        sum(net_unblended_cost) as net_unblended_cost_change
    from before_and_after
    group by assembly_id, payer_account_id, account_id, tags
    having sum(line_count) <> 0 or sum(unblended_cost) <> 0 or sum(net_unblended_cost) <> 0
),

dated as (
    select
        changes.assembly_id,
        changes.payer_account_id,
        changes.account_id,
        changes.tags,
        changes.line_count_change,
        changes.unblended_cost_change,
        changes.net_unblended_cost_change,
        cast(concat(in_order.billing_period, '-01') as timestamp) as period_start
    from changes
    inner join in_order on changes.assembly_id = in_order.assembly_id
),

of_an_era as (
    select
        *,
        {{ rule_era(rules, 'period_start') }} as rule_era
    from dated
),

matched as (
    select
        *,
        {{ winning_rule(rules) }} as label_rule
    from of_an_era
),

labelled as (
    select
        *,
        coalesce({{ label_of_rule(rules) }}, 'unlabeled') as lyft_label
    from matched
),

closed_with as (
    select
        closed_periods.payer_account_id,
        closed_periods.billing_period,
        in_order.manifest_time
    from closed_periods
    inner join in_order on closed_periods.assembly_id = in_order.assembly_id
)

select
    -- when
    in_order.billing_period,
    in_order.manifest_time as restated_at,

    -- what changed
    cast(labelled.line_count_change as bigint) as line_count_change,
    cast(labelled.unblended_cost_change as decimal(38, 18)) as unblended_cost_change,
    cast(labelled.net_unblended_cost_change as decimal(38, 18)) as net_unblended_cost_change,
    coalesce(in_order.manifest_time > closed_with.manifest_time, false) as is_frozen_out,

    -- which delivery
    in_order.report,
    in_order.assembly_id,
    in_order.previous_assembly_id,

    -- who
    labelled.payer_account_id,
    labelled.account_id,
    labelled.tags,
    labelled.lyft_label
from labelled
inner join in_order on labelled.assembly_id = in_order.assembly_id
left join closed_with
    on
        labelled.payer_account_id = closed_with.payer_account_id
        and in_order.billing_period = closed_with.billing_period
