{# How Trino brings the rows of an incremental model in. #}

{# Keys of several columns are matched row by row. #}
{% macro trino__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set predicates -%}
        {%- for predicate in incremental_predicates or [] %}
        and {{ predicate }}
        {%- endfor -%}
    {%- endset -%}
    {%- if unique_key and unique_key is sequence and unique_key is not string %}
    delete from {{ target }}
    where exists (
        select 1
        from {{ source }}
        where
        {%- for key in unique_key %}
            {{ target }}.{{ key }} = {{ source }}.{{ key }}{{ ' and' if not loop.last }}
        {%- endfor %}
    ){{ predicates }}
    ;
    {%- elif unique_key %}
    delete from {{ target }}
    where ( {{ unique_key }}) in (
        select {{ unique_key }}
        from {{ source }}
    ){{ predicates }};
    {%- endif %}
    {{ get_insert_into_sql(target, source, dest_columns) }}
{%- endmacro %}

{% macro trino__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- if not unique_key -%}
        {{ get_insert_into_sql(target, source, dest_columns) }}
    {%- else -%}
        {%- set conditions = (incremental_predicates or []) | list -%}
        {%- for key in ([unique_key] if unique_key is string else unique_key) -%}
            {%- do conditions.append(' DBT_INTERNAL_SOURCE.' ~ key ~ ' = DBT_INTERNAL_DEST.' ~ key ~ ' ') -%}
        {%- endfor -%}
        {%- set names = dest_columns | map(attribute='quoted') | list -%}
        {%- set updated = [] -%}
        {%- for name in get_merge_update_columns(config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
            {%- do updated.append(name ~ ' = DBT_INTERNAL_SOURCE.' ~ name) -%}
        {%- endfor %}
    merge into {{ target }} as DBT_INTERNAL_DEST
        using {{ source }} as DBT_INTERNAL_SOURCE
        on ({{ conditions | join(') and (') }})
    when matched then update set
        {{ updated | join(',') }}
    when not matched then insert
        ({{ names | join(', ') }})
    values
        (DBT_INTERNAL_SOURCE.{{ names | join(', DBT_INTERNAL_SOURCE.') }})
    {%- endif -%}
{%- endmacro %}
