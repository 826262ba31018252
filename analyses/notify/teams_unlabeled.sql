-- Accounts in which a twentieth of the spend of the last 28 days, and 10 of it, has no label.
-- The owner of the label `unlabeled` is notified, else the team that spends most in the account.

with

last_days as (
    select
        max(usage_date) - 27 as first_day,
        max(usage_date) as last_day
    from {{ ref('daily_spend') }}
),

spend as (
    select
        spend.account_id,
        spend.lyft_label,
        spend.product,
        spend.current_team,
        spend.platform,
        spend.spend,
        last_days.last_day
    from {{ ref('daily_spend') }} as spend
    cross join last_days
    where spend.usage_date >= last_days.first_day and not spend.is_period_charge
),

accounts as (
    select
        account_id,
        last_day,
        sum(case when lyft_label = 'unlabeled' then spend else 0 end) as unlabeled_spend,
        sum(spend) as account_spend
    from spend
    group by account_id, last_day
),

products as (
    select
        account_id,
        product,
        row_number() over (partition by account_id order by sum(spend) desc, product asc) as place
    from spend
    where lyft_label = 'unlabeled'
    group by account_id, product
),

teams as (
    select
        account_id,
        current_team as team,
        row_number() over (
            partition by account_id order by sum(spend) desc, current_team asc
        ) as place
    from spend
    where platform is null and current_team <> 'unassigned'
    group by account_id, current_team
),

owner_of_unlabeled as (
    select max(team) as team
    from {{ ref('lyft_labels') }}
    where lyft_label = 'unlabeled' and is_current and team <> 'unassigned'
),

contacts as (
    select * from {{ ref('contacts') }}
    where platform is null
)

select
    contacts.contact as recipient,
    accounts.account_id as problem,
    accounts.last_day as happened_on,
    accounts.unlabeled_spend as spend,
    accounts.account_id,
    accounts.account_spend,
    products.product
from accounts
cross join owner_of_unlabeled
left join products on accounts.account_id = products.account_id and products.place = 1
left join teams on accounts.account_id = teams.account_id and teams.place = 1
left join contacts on coalesce(owner_of_unlabeled.team, teams.team) = contacts.team
where
    accounts.unlabeled_spend >= 10
    and 20 * accounts.unlabeled_spend >= accounts.account_spend
