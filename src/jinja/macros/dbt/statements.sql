{# Running SQL from a template and keeping what it returned. #}

{# To be used as a call block; the block's text is the SQL. The result waits in load_result(name). #}
{%- macro statement(name=None, fetch_result=False, auto_begin=True, language='sql') -%}
    {%- if execute -%}
        {%- if language != 'sql' -%}
            {%- do exceptions.raise_compiler_error("a statement in " ~ language ~ " cannot be run, only SQL can") -%}
        {%- endif -%}
        {%- set sql = caller() -%}
        {%- if name == 'main' -%}
            {%- do write(sql) -%}
        {%- endif -%}
        {%- set response, table = adapter.execute(sql, auto_begin=auto_begin, fetch=fetch_result) -%}
        {%- if name is not none -%}
            {%- do store_result(name, response=response, agate_table=table) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Stands in for a statement when there is nothing to run, so that load_result still answers. #}
{% macro noop_statement(name=None, message=None, code=None, rows_affected=None, res=None) -%}
    {%- do caller() -%}
    {%- if name is not none -%}
        {%- do store_raw_result(name, message=message, code=code, rows_affected=rows_affected, agate_table=res) -%}
    {%- endif -%}
{%- endmacro %}

{# The table that the query returned; nothing while parsing. #}
{% macro run_query(sql) -%}
    {%- if execute -%}
        {%- set response, table = adapter.execute(sql, auto_begin=false, fetch=true) -%}
        {%- do store_result('run_query_statement', response=response, agate_table=table) -%}
        {%- do return(table) -%}
    {%- endif -%}
{%- endmacro %}

{% macro get_show_sql(compiled_code, sql_header, limit) -%}
    {{ sql_header if sql_header }}
  {% if limit is not none -%}
    {{ get_limit_subquery_sql(compiled_code, limit) }}
  {%- else %}
  {{ compiled_code }}
  {%- endif %}
{% endmacro %}

{% macro get_limit_subquery_sql(sql, limit) %}
    {{- return(adapter.dispatch('get_limit_sql', 'dbt')(sql, limit)) -}}
{% endmacro %}

{% macro default__get_limit_sql(sql, limit) %}
  {{ sql }}
  {% if limit is not none %}
  limit {{ limit }}
  {%- endif -%}
{% endmacro %}
