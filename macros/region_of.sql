{#-
    A zone is named after its region, with a letter or more appended; a usage type begins with the
    short name of its region unless that is us-east-1. A usage type without one is of us-east-1 or
    of no region, so its region is unknown.
-#}
{% macro region_of(zone, usage_type) -%}
    {%- set regions = {
        'AFS1': 'af-south-1', 'APE1': 'ap-east-1', 'APE2': 'ap-east-2', 'APN1': 'ap-northeast-1',
        'APN2': 'ap-northeast-2', 'APN3': 'ap-northeast-3', 'APS1': 'ap-southeast-1',
        'APS2': 'ap-southeast-2', 'APS3': 'ap-south-1', 'APS4': 'ap-southeast-3',
        'APS5': 'ap-south-2', 'APS6': 'ap-southeast-4', 'APS7': 'ap-southeast-5',
        'CAN1': 'ca-central-1', 'CAW1': 'ca-west-1', 'EU': 'eu-west-1', 'EUC1': 'eu-central-1',
        'EUC2': 'eu-central-2', 'EUN1': 'eu-north-1', 'EUS1': 'eu-south-1', 'EUS2': 'eu-south-2',
        'EUW1': 'eu-west-1', 'EUW2': 'eu-west-2', 'EUW3': 'eu-west-3', 'ILC1': 'il-central-1',
        'MEC1': 'me-central-1', 'MES1': 'me-south-1', 'MXC1': 'mx-central-1', 'SAE1': 'sa-east-1',
        'UGE1': 'us-gov-east-1', 'UGW1': 'us-gov-west-1', 'USE1': 'us-east-1', 'USE2': 'us-east-2',
        'USW1': 'us-west-1', 'USW2': 'us-west-2'
    } -%}
    coalesce(
        nullif(regexp_extract({{ zone }}, '^([a-z]+(-[a-z]+)+-[0-9]+)', 1), ''),
        case regexp_extract({{ usage_type }}, '^([A-Z0-9]+)-', 1)
            {%- for short, region in regions.items() %}
            when '{{ short }}' then '{{ region }}'
            {%- endfor %}
        end
    )
{%- endmacro %}
