{# Incremental models and snapshots of DuckDB. #}

{# With a unique key rows are replaced, without one they are added. #}
{% macro duckdb__get_incremental_default_sql(arg_dict) %}
    {%- do return(get_incremental_delete_insert_sql(arg_dict)) -%}
{% endmacro %}

{% macro duckdb__get_incremental_merge_sql(args_dict) %}
    {%- do return(get_merge_sql(
        args_dict['target_relation'], args_dict['temp_relation'], args_dict['unique_key'], args_dict['dest_columns'],
        args_dict['incremental_predicates']
    )) -%}
{% endmacro %}

{% macro duckdb__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- if unique_key and unique_key is not string -%}
        {%- set conditions = [] -%}
        {%- for key in unique_key -%}
            {%- do conditions.append(source ~ '.' ~ key ~ ' = DBT_INCREMENTAL_TARGET.' ~ key) -%}
        {%- endfor %}
    delete from {{ target }} as DBT_INCREMENTAL_TARGET
    using {{ source }}
    where {{ (conditions + ((incremental_predicates or []) | list)) | join('\n      and ') }};
    {%- elif unique_key %}
    delete from {{ target }}
    where ({{ unique_key }}) in (
        select ({{ unique_key }})
        from {{ source }}
    )
        {%- for predicate in incremental_predicates or [] %}
      and {{ predicate }}
        {%- endfor -%};
    {%- endif %}
    {{ get_insert_into_sql(target, source, dest_columns) }}
{%- endmacro %}

{% macro duckdb__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
    {%- set keys = unique_key if unique_key is sequence and unique_key is not string else ([unique_key] if unique_key else []) -%}
    {%- set conditions = [] -%}
    {%- for key in keys -%}
        {%- do conditions.append('DBT_INTERNAL_SOURCE.' ~ key ~ ' = DBT_INTERNAL_DEST.' ~ key) -%}
    {%- endfor -%}
    {%- if not keys -%}
        {%- do conditions.append('FALSE') -%}
    {%- endif -%}
    {%- set updated = config.get('merge_update_columns') or config.get('merge_exclude_columns') %}
    merge into {{ target }} as DBT_INTERNAL_DEST
        using {{ source }} as DBT_INTERNAL_SOURCE
        on ({{ (conditions + ((incremental_predicates or []) | list)) | join(') and (') }})
    when matched then
        {%- if updated %}
        update set
            {%- for name in get_merge_update_columns(config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) %}
            {{ name }} = DBT_INTERNAL_SOURCE.{{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        {%- else %}
        update by name
        {%- endif %}
    when not matched then
        insert by name
{%- endmacro %}

{# The rows of the batch's time are deleted, then the new ones are added. #}
{% macro duckdb__get_incremental_microbatch_sql(arg_dict) %}
    {%- set event_time = model.config.event_time -%}
    {%- set start = model.batch.event_time_start if model.batch else none -%}
    {%- set end = model.batch.event_time_end if model.batch else none -%}
    {%- set window = [] -%}
    {%- if start -%}
        {%- do window.append(event_time ~ " >= '" ~ start ~ "'") -%}
    {%- endif -%}
    {%- if end -%}
        {%- do window.append(event_time ~ " < '" ~ end ~ "'") -%}
    {%- endif -%}
    {%- if window %}
    delete from {{ arg_dict['target_relation'] }}
    where {{ (window + ((arg_dict.get('incremental_predicates') or []) | list)) | join('\n      and ') }};
    {%- endif %}
    {{ get_insert_into_sql(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns']) }}
{% endmacro %}

{# Old versions end first, then new ones are added. #}
{% macro duckdb__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- set names = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set current = config.get('dbt_valid_to_current') -%}
    update {{ target }} as DBT_INTERNAL_TARGET
    set {{ names.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ names.dbt_valid_to }}
    from {{ source }} as DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.{{ names.dbt_scd_id }}::text = DBT_INTERNAL_TARGET.{{ names.dbt_scd_id }}::text
      and DBT_INTERNAL_SOURCE.dbt_change_type::text in ('update'::text, 'delete'::text)
      and (DBT_INTERNAL_TARGET.{{ names.dbt_valid_to }} is null
        {{- ' or DBT_INTERNAL_TARGET.' ~ names.dbt_valid_to ~ ' = ' ~ current if current }});

    insert into {{ target }} ({{ insert_cols | join(', ') }})
    select {% for name in insert_cols %}DBT_INTERNAL_SOURCE.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ source }} as DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.dbt_change_type::text = 'insert'::text;
{%- endmacro %}
