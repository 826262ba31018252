{#-
    The tags of charges, one row each: what a label rule would match it on, and its key. The keys of an
    account's own tags begin with `account_`. Other columns of the charges are kept.
-#}
{% macro tags_of_charges(charges) -%}
    select
        * exclude (tags, tag),
        case when starts_with(tag.key, 'account_') then 'account_tag' else 'tag' end as match_on,
        regexp_replace(tag.key, '^account_', '') as match_key
    from (
        select
            *,
            unnest(map_entries(cast(cast(tags as json) as map(varchar, varchar)))) as tag
        from {{ charges }}
        where tags is not null
    ) as tagged
    where trim(tag.value) <> ''
{%- endmacro %}
