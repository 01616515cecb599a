{# Incremental models and snapshots of PostgreSQL. #}

{# With a unique key rows are replaced, without one they are added. #}
{% macro postgres__get_incremental_default_sql(arg_dict) %}
    {%- if arg_dict['unique_key'] -%}
        {%- do return(get_incremental_delete_insert_sql(arg_dict)) -%}
    {%- endif -%}
    {%- do return(get_incremental_append_sql(arg_dict)) -%}
{% endmacro %}

{# A microbatch is merged by its key. #}
{% macro postgres__get_incremental_microbatch_sql(arg_dict) %}
    {%- if not arg_dict['unique_key'] -%}
        {%- do exceptions.raise_compiler_error('the microbatch strategy on postgres needs a unique_key') -%}
    {%- endif -%}
    {%- do return(get_incremental_merge_sql(arg_dict)) -%}
{% endmacro %}

{# Old versions end first, then new ones are added. #}
{% macro postgres__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- set names = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set current = config.get('dbt_valid_to_current') -%}
    update {{ target }}
    set {{ names.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ names.dbt_valid_to }}
    from {{ source }} as DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.{{ names.dbt_scd_id }}::text = {{ target }}.{{ names.dbt_scd_id }}::text
      and DBT_INTERNAL_SOURCE.dbt_change_type::text in ('update'::text, 'delete'::text)
      and ({{ target }}.{{ names.dbt_valid_to }} is null
        {{- ' or ' ~ target ~ '.' ~ names.dbt_valid_to ~ ' = ' ~ current if current }});

    insert into {{ target }} ({{ insert_cols | join(', ') }})
    select {% for name in insert_cols %}DBT_INTERNAL_SOURCE.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
    from {{ source }} as DBT_INTERNAL_SOURCE
    where DBT_INTERNAL_SOURCE.dbt_change_type::text = 'insert'::text;
{%- endmacro %}
