{#- A unit of AWS in FOCUS's names; what is no name of a unit, or is not known, is counted in Units. -#}
{% macro focus_unit(unit) -%}
    {%- set names = {
        'Hours': ['Hrs', 'Hours', 'hours', 'Hour'],
        'Seconds': ['Second', 'Seconds', 'seconds'],
        'Minutes': ['Minute', 'Minutes', 'minutes'],
        'Months': ['Mo', 'Month', 'Months'],
        'GB': ['GB', 'Gigabytes', 'GigaBytes'],
        'GB-Hours': ['GB-Hours', 'GB-Hrs', 'GB-hours'],
        'GB-Months': ['GB-Mo', 'GB-Month', 'GB-month'],
        'GB-Seconds': ['GB-Second', 'GB-Seconds', 'Lambda-GB-Second', 'seconds-GB'],
        'vCPU-Hours': ['vCPU-Hours', 'vCPU-Hrs', 'vCPU-hours'],
        'vCPU-Months': ['vCPU-Months', 'vCPU-Mo'],
        'IOPS-Months': ['IOPS-Mo'],
        'LCU-Hours': ['LCU-Hrs', 'LCU-Hours'],
        'ACU-Hours': ['ACU-Hr', 'ACU-Hrs'],
        'Requests': ['Request', 'Requests', 'API Requests', 'API Calls'],
        'Units': ['Count', 'Quantity', 'Units'],
    } -%}
    case
        {%- for name, aliases in names.items() %}
        when {{ unit }} in ('{{ aliases | join("', '") }}') then '{{ name }}'
        {%- endfor %}
        when {{ matches_pattern(unit, '^[A-Za-z][A-Za-z0-9]*( [A-Za-z][A-Za-z0-9]*)*$') }} then {{ unit }}
        else 'Units'
    end
{%- endmacro %}
