{#-
    The resources that containers request and use, and the columns of stg_kubernetes__container_hours
    and stg_kubernetes__node_hours that have them. One that is only used has no capacity, and is the
    sum of columns that landed. Each is also a cost model, which measures it alone. `unit` says in
    words what a label's amount is in, `focus_unit` in the spelling of FOCUS.
-#}
{% macro kubernetes_resources() -%}
    {{ return({
        'cpu': {
            'requested': 'cpu_request_core_hours',
            'used': 'cpu_usage_core_hours',
            'capacity': 'cpu_capacity_core_hours',
            'unit': 'core-hours',
            'focus_unit': 'Core-Hours',
        },
        'memory': {
            'requested': 'memory_request_gib_hours',
            'used': 'memory_usage_gib_hours',
            'capacity': 'memory_capacity_gib_hours',
            'unit': 'GiB-hours',
            'focus_unit': 'GiB-Hours',
        },
        'gpu': {
            'requested': 'gpu_request_gpu_hours',
            'used': 'gpu_usage_gpu_hours',
            'capacity': 'gpu_capacity_gpu_hours',
            'unit': 'GPU-hours',
            'focus_unit': 'GPU-Hours',
        },
        'network': {
            'landed': ['network_receive_gib', 'network_transmit_gib'],
            'used': 'network_gib',
            'unit': 'GiB sent and received',
            'focus_unit': 'GiB',
        },
        'disk_io': {
            'landed': ['disk_read_gib', 'disk_write_gib'],
            'used': 'disk_io_gib',
            'unit': 'GiB read and written',
            'focus_unit': 'GiB',
        },
    }) }}
{%- endmacro %}

{#- Those that pods request, and of which nodes have a capacity. -#}
{% macro requested_resources() -%}
    {%- set found = {} -%}
    {%- for resource, columns in kubernetes_resources().items() if 'requested' in columns -%}
        {%- do found.update({resource: columns}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- Those that are only used, and have no capacity. -#}
{% macro used_resources() -%}
    {%- set found = {} -%}
    {%- for resource, columns in kubernetes_resources().items() if 'requested' not in columns -%}
        {%- do found.update({resource: columns}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
