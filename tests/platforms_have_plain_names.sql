-- The column `via` tells platforms apart by ` > ` and `: `, so that no name may hold them.

select
    platform,
    sub_platform
from {{ ref('stg_seeds__platforms') }}
where
    concat(platform, '|', sub_platform) like '% > %'
    or concat(platform, '|', sub_platform) like '%: %'
