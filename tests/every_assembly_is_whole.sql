-- What serves a billing period is all of what was delivered: the lines and the dollars that were
-- counted in the files.

select
    assembly_id,
    report,
    billing_period
from {{ ref('stg_aws_cur__assemblies') }}
where is_current and not is_whole
