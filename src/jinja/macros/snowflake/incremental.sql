{# How Snowflake brings the rows of an incremental model in: each statement in a transaction of its own. #}

{% macro _in_transaction(sql) %}
begin;
    {{ sql }};
commit;
{%- endmacro %}

{# Without a unique key there is nothing to match, and an insert is less work. #}
{% macro snowflake__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set sql = default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) ~ '\n' if unique_key
        else get_insert_into_sql(target, source, dest_columns) -%}
    {{ _in_transaction(sql) }}
{%- endmacro %}

{% macro snowflake__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {{ _in_transaction(default__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates)) }}
{%- endmacro %}

{% macro snowflake__get_incremental_append_sql(arg_dict) %}
    {%- do return(_in_transaction(default__get_incremental_append_sql(arg_dict) ~ '\n')) -%}
{% endmacro %}

{% macro snowflake__get_incremental_default_sql(arg_dict) %}
    {%- do return(get_incremental_merge_sql(arg_dict)) -%}
{% endmacro %}
