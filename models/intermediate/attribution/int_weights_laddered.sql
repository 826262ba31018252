-- The weights that every hour of a sub-platform is split by, whichever step of the ladder they
-- come from. Whole numbers: ten digits of a unit-hour, times 27720, the least number that all of
-- 1 to 12 divide, so that a gap between two hours at most 12 apart is filled without rounding.

with

hours as (
    select * from {{ ref('int_sub_platform_hours') }}
),

cost_models as (
    select * from {{ ref('int_platform_cost_models') }}
),

kubernetes_weights as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        is_capacity,
        {{ units('weight') }} as weight_units
    from {{ ref('int_kubernetes_weights') }}
),

declared_weights as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        lyft_label,
        false as is_capacity,
        {{ units('weight') }} as weight_units
    from {{ ref('int_declared_weights') }}
),

weights as (
    select * from kubernetes_weights
    union all
    select * from declared_weights
),

-- Which good hour lends its weights to which hour, and how many 27720ths of them.
loans as (
    select
        platform,
        sub_platform,
        usage_hour,
        usage_hour as lender_hour,
        basis,
        coverage,
        27720 as parts
    from hours
    where basis in ('measured', 'pushed', 'ready_made')
    union all
    select
        platform,
        sub_platform,
        usage_hour,
        last_good_hour as lender_hour,
        basis,
        coverage,
        case
            when basis = 'carried_forward' then 27720
            else hours_until * {{ floor_divide('27720', '(hours_since + hours_until)') }}
        end as parts
    from hours
    where basis in ('interpolated', 'carried_forward')
    union all
    select
        platform,
        sub_platform,
        usage_hour,
        next_good_hour as lender_hour,
        basis,
        coverage,
        hours_since * {{ floor_divide('27720', '(hours_since + hours_until)') }} as parts
    from hours
    where basis = 'interpolated'
),

lent as (
    select
        loans.usage_hour,
        loans.platform,
        loans.sub_platform,
        weights.capacity_pool,
        weights.cost_model,
        weights.lyft_label,
        weights.is_capacity,
        loans.basis,
        loans.coverage,
        sum(weights.weight_units * loans.parts) as weight_units
    from loans
    inner join weights
        on
            loans.platform = weights.platform
            and loans.sub_platform = weights.sub_platform
            and loans.lender_hour = weights.usage_hour
    group by
        loans.usage_hour,
        loans.platform,
        loans.sub_platform,
        weights.capacity_pool,
        weights.cost_model,
        weights.lyft_label,
        weights.is_capacity,
        loans.basis,
        loans.coverage
),

capacities as (
    select
        usage_hour,
        platform,
        sub_platform,
        capacity_pool,
        cost_model,
        basis,
        coverage,
        sum(case when is_capacity then weight_units else 0 end) as capacity_units,
        sum(case when is_capacity then 0 else weight_units end) as allocated_units
    from lent
    group by usage_hour, platform, sub_platform, capacity_pool, cost_model, basis, coverage
),

-- Every hour has its whole, even one in which nothing ran and nothing was offered.
wholes as (
    select
        hours.usage_hour,
        hours.platform,
        hours.sub_platform,
        'all' as capacity_pool,
        cost_models.cost_model,
        hours.basis,
        hours.coverage
    from hours
    inner join cost_models
        on
            hours.platform = cost_models.platform
            and hours.sub_platform = cost_models.sub_platform
)

select
    usage_hour,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    lyft_label,
    basis,
    coverage,
    weight_units
from lent
where weight_units > 0 and not is_capacity
union all
select
    usage_hour,
    platform,
    sub_platform,
    capacity_pool,
    cost_model,
    'free' as lyft_label,
    basis,
    coverage,
    greatest(capacity_units - allocated_units, 0) as weight_units
from capacities
where capacity_units > allocated_units or allocated_units = 0
union all
select
    wholes.usage_hour,
    wholes.platform,
    wholes.sub_platform,
    wholes.capacity_pool,
    wholes.cost_model,
    case when wholes.basis = 'unattributed' then 'unattributed' else 'free' end as lyft_label,
    wholes.basis,
    wholes.coverage,
    cast(0 as hugeint) as weight_units
from wholes
left join capacities
    on
        wholes.usage_hour = capacities.usage_hour
        and wholes.platform = capacities.platform
        and wholes.sub_platform = capacities.sub_platform
        and wholes.capacity_pool = capacities.capacity_pool
        and wholes.cost_model = capacities.cost_model
where capacities.usage_hour is null
