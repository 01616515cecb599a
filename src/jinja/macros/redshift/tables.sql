{# How Redshift distributes and sorts a table. #}

{% macro dist(dist) -%}
    {%- if dist in ['all', 'even'] -%}
        diststyle {{ dist }}
    {%- elif dist is not none and dist != 'auto' -%}
        diststyle key distkey ({{ dist }})
    {%- endif -%}
{%- endmacro %}

{% macro sort(sort_type, sort) -%}
    {%- if sort is not none %}
      {{ sort_type or 'compound' }} sortkey({{ sort if sort is string else sort | join(',') }})
    {%- endif -%}
{%- endmacro %}

{% macro redshift__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set conditions = (incremental_predicates or []) | list -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key or [] -%}
    {%- for key in keys -%}
        {%- do conditions.append(' DBT_INTERNAL_SOURCE.' ~ key ~ ' = ' ~ target ~ '.' ~ key ~ ' ') -%}
    {%- endfor -%}
    {%- if not keys -%}
        {%- do conditions.append('FALSE') -%}
    {%- endif -%}
    {%- set names = dest_columns | map(attribute='quoted') | list -%}
    {%- set updated = [] -%}
    {%- for name in get_merge_update_columns(config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
        {%- do updated.append(name ~ ' = DBT_INTERNAL_SOURCE.' ~ name) -%}
    {%- endfor %}
    merge into {{ target }}
        using {{ source }} as DBT_INTERNAL_SOURCE
        on ({{ conditions | join(') and (') }})
    {% if keys -%}
    when matched then update set
        {{ updated | join(', ') }}
    {% endif -%}
    when not matched then insert (
        {{ names | join(', ') }}
    )
    values (
        DBT_INTERNAL_SOURCE.{{ names | join(', DBT_INTERNAL_SOURCE.') }}
    )
{%- endmacro %}

{% macro redshift__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set key = unique_key if unique_key is string else unique_key | join(', ') %}
    delete from {{ target }}
    where ({{ key }}) in (
        select distinct {{ key }}
        from {{ source }} as DBT_INTERNAL_SOURCE
    )
        {%- for predicate in incremental_predicates or [] %}
        and {{ predicate }}
        {%- endfor %}
    ;
    {{ get_insert_into_sql(target, source, dest_columns) }}
{%- endmacro %}

{# A temporary table lives in a schema of its own, and its name must not meet that of another session. #}
{% macro redshift__make_temp_relation(base_relation, suffix) %}
    {%- set stamp = modules.datetime.datetime.now().strftime('%H%M%S%f') -%}
    {%- do return(base_relation.incorporate(path={
        'database': none, 'schema': none, 'identifier': base_relation.identifier ~ suffix ~ stamp
    })) -%}
{% endmacro %}
