{#-
    How seeds get into Spark. dbt-spark itself would write an empty cell as the text `None`, end a text
    at its first quote, and declare a varchar without a length, which Spark does not have.
-#}
{% macro spark__create_csv_table(model, agate_table) -%}
    {%- set types = model.config.column_types -%}
    {%- set create -%}
        create table {{ this }} (
            {%- for column in agate_table.column_names %}
            {{ column }} {{ column_type(types[column]) }}{{ ',' if not loop.last }}
            {%- endfor %}
        )
    {%- endset -%}
    {%- do run_query(create) -%}
    {{ return(create) }}
{%- endmacro %}

{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model.config.column_types -%}
    {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
        {%- set insert -%}
            insert into {{ this }} values
            {%- for row in rows %}
            (
                {%- for column in agate_table.column_names %}
                    {%- set value = row[column] %}
                cast({{ 'null' if value is none else sql_text(value) }} as {{ column_type(types[column]) }})
                    {{- ',' if not loop.last }}
                {%- endfor %}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        {%- endset -%}
        {%- do run_query(insert) -%}
    {%- endfor -%}
    {{ return('') }}
{%- endmacro %}
