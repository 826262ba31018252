{#- Tags of a resource and of its account as one JSON text; their keys have different prefixes. -#}
{% macro tags_of_both(resource_tags, account_tags) -%}
    case
        when {{ account_tags }} is null
            then coalesce(cast({{ resource_tags }} as {{ dbt.type_string() }}), '{}')
        when {{ resource_tags }} is null then cast({{ account_tags }} as {{ dbt.type_string() }})
        else concat(
                regexp_replace(cast({{ resource_tags }} as {{ dbt.type_string() }}), '[}]$', ','),
                substr(cast({{ account_tags }} as {{ dbt.type_string() }}), 2)
            )
    end
{%- endmacro %}
