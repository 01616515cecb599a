{# What adapters with materialized views say themselves; the others have none. #}

{% macro get_create_materialized_view_as_sql(relation, sql) -%}
    {{- adapter.dispatch('get_create_materialized_view_as_sql', 'dbt')(relation, sql) -}}
{%- endmacro %}

{% macro default__get_create_materialized_view_as_sql(relation, sql) -%}
    {{ exceptions.raise_compiler_error('materialized views are not known to this adapter: get_create_materialized_view_as_sql') }}
{%- endmacro %}

{% macro refresh_materialized_view(relation) -%}
    {{- adapter.dispatch('refresh_materialized_view', 'dbt')(relation) -}}
{%- endmacro %}

{% macro default__refresh_materialized_view(relation) -%}
    {{ exceptions.raise_compiler_error('materialized views are not known to this adapter: refresh_materialized_view') }}
{%- endmacro %}

{% macro get_rename_materialized_view_sql(relation, new_name) -%}
    {{- adapter.dispatch('get_rename_materialized_view_sql', 'dbt')(relation, new_name) -}}
{%- endmacro %}

{% macro default__get_rename_materialized_view_sql(relation, new_name) -%}
    {{ exceptions.raise_compiler_error('materialized views are not known to this adapter: get_rename_materialized_view_sql') }}
{%- endmacro %}

{% macro get_rename_table_sql(relation, new_name) -%}
    {{- adapter.dispatch('get_rename_table_sql', 'dbt')(relation, new_name) -}}
{%- endmacro %}

{% macro default__get_rename_table_sql(relation, new_name) -%}
    {{ exceptions.raise_compiler_error('this adapter does not say how it renames tables: get_rename_table_sql') }}
{%- endmacro %}

{% macro get_rename_view_sql(relation, new_name) -%}
    {{- adapter.dispatch('get_rename_view_sql', 'dbt')(relation, new_name) -}}
{%- endmacro %}

{% macro default__get_rename_view_sql(relation, new_name) -%}
    {{ exceptions.raise_compiler_error('this adapter does not say how it renames views: get_rename_view_sql') }}
{%- endmacro %}

{% macro get_replace_table_sql(relation, sql) -%}
    {{- adapter.dispatch('get_replace_table_sql', 'dbt')(relation, sql) -}}
{%- endmacro %}

{% macro default__get_replace_table_sql(relation, sql) -%}
    {{ exceptions.raise_compiler_error('this adapter does not say how it replaces tables: get_replace_table_sql') }}
{%- endmacro %}

{% macro get_replace_view_sql(relation, sql) -%}
    {{- adapter.dispatch('get_replace_view_sql', 'dbt')(relation, sql) -}}
{%- endmacro %}

{% macro default__get_replace_view_sql(relation, sql) -%}
    {{ exceptions.raise_compiler_error('this adapter does not say how it replaces views: get_replace_view_sql') }}
{%- endmacro %}
