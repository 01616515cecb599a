{# Relations: finding, making, renaming, dropping them and giving them temporary names. #}

{% macro load_cached_relation(relation) %}
    {%- do return(adapter.get_relation(
        database=relation.database, schema=relation.schema, identifier=relation.identifier
    )) -%}
{% endmacro %}

{% macro load_relation(relation) %}
    {%- do return(load_cached_relation(relation)) -%}
{% endmacro %}

{# [whether it exists, the relation] #}
{% macro get_or_create_relation(database, schema, identifier, type) -%}
    {{ return(adapter.dispatch('get_or_create_relation', 'dbt')(database, schema, identifier, type)) }}
{%- endmacro %}

{% macro default__get_or_create_relation(database, schema, identifier, type) %}
    {%- set found = adapter.get_relation(database=database, schema=schema, identifier=identifier) -%}
    {%- if found -%}
        {%- do return([true, found]) -%}
    {%- endif -%}
    {%- do return([false, api.Relation.create(database=database, schema=schema, identifier=identifier, type=type)]) -%}
{% endmacro %}

{% macro make_temp_relation(base_relation, suffix='__dbt_tmp') %}
    {{- return(adapter.dispatch('make_temp_relation', 'dbt')(base_relation, suffix)) -}}
{% endmacro %}

{% macro default__make_temp_relation(base_relation, suffix) %}
    {%- do return(base_relation.incorporate(path={'identifier': base_relation.identifier ~ suffix})) -%}
{% endmacro %}

{% macro make_intermediate_relation(base_relation, suffix='__dbt_tmp') %}
    {{- return(adapter.dispatch('make_intermediate_relation', 'dbt')(base_relation, suffix)) -}}
{% endmacro %}

{% macro default__make_intermediate_relation(base_relation, suffix) %}
    {%- do return(dbt.default__make_temp_relation(base_relation, suffix)) -%}
{% endmacro %}

{% macro make_backup_relation(base_relation, backup_relation_type, suffix='__dbt_backup') %}
    {{- return(adapter.dispatch('make_backup_relation', 'dbt')(base_relation, backup_relation_type, suffix)) -}}
{% endmacro %}

{% macro default__make_backup_relation(base_relation, backup_relation_type, suffix) %}
    {%- do return(base_relation.incorporate(
        path={'identifier': base_relation.identifier ~ suffix}, type=backup_relation_type
    )) -%}
{% endmacro %}

{% macro create_schema(relation) -%}
    {{ adapter.dispatch('create_schema', 'dbt')(relation) }}
{%- endmacro %}

{% macro default__create_schema(relation) -%}
    {%- call statement('create_schema') -%}
        create schema if not exists {{ relation.without_identifier() }}
    {%- endcall -%}
{%- endmacro %}

{% macro drop_schema(relation) -%}
    {{ adapter.dispatch('drop_schema', 'dbt')(relation) }}
{%- endmacro %}

{% macro default__drop_schema(relation) -%}
    {%- call statement('drop_schema') -%}
        drop schema if exists {{ relation.without_identifier() }} cascade
    {%- endcall -%}
{%- endmacro %}

{% macro drop_schema_named(schema_name) %}
    {{- return(adapter.dispatch('drop_schema_named', 'dbt')(schema_name)) -}}
{% endmacro %}

{% macro default__drop_schema_named(schema_name) %}
    {%- do adapter.drop_schema(api.Relation.create(database=target.database, schema=schema_name)) -%}
{% endmacro %}

{% macro drop_relation(relation) -%}
    {{ return(adapter.dispatch('drop_relation', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__drop_relation(relation) -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
        {{ get_drop_sql(relation) }}
    {%- endcall -%}
{%- endmacro %}

{% macro drop_relation_if_exists(relation) %}
    {%- if relation is not none -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{% endmacro %}

{% macro get_drop_sql(relation) -%}
    {{ adapter.dispatch('get_drop_sql', 'dbt')(relation) }}
{%- endmacro %}

{% macro default__get_drop_sql(relation) -%}
    {%- if relation.is_view -%}
        {{ drop_view(relation) }}
    {%- elif relation.is_table -%}
        {{ drop_table(relation) }}
    {%- elif relation.is_materialized_view -%}
        {{ drop_materialized_view(relation) }}
    {%- else -%}
        drop {{ relation.type }} if exists {{ relation }} cascade
    {%- endif -%}
{%- endmacro %}

{% macro drop_table(relation) -%}
    {{ return(adapter.dispatch('drop_table', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__drop_table(relation) -%}
    drop table if exists {{ relation }} cascade
{%- endmacro %}

{% macro drop_view(relation) -%}
    {{ return(adapter.dispatch('drop_view', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__drop_view(relation) -%}
    drop view if exists {{ relation }} cascade
{%- endmacro %}

{% macro drop_materialized_view(relation) -%}
    {{ return(adapter.dispatch('drop_materialized_view', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__drop_materialized_view(relation) -%}
    drop materialized view if exists {{ relation }} cascade
{%- endmacro %}

{% macro truncate_relation(relation) -%}
    {{ return(adapter.dispatch('truncate_relation', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__truncate_relation(relation) -%}
    {%- call statement('truncate_relation') -%}
        truncate table {{ relation }}
    {%- endcall -%}
{%- endmacro %}

{% macro rename_relation(from_relation, to_relation) -%}
    {{ return(adapter.dispatch('rename_relation', 'dbt')(from_relation, to_relation)) }}
{%- endmacro %}

{% macro default__rename_relation(from_relation, to_relation) -%}
    {%- set new_name = adapter.quote_as_configured(to_relation.identifier, 'identifier') -%}
    {%- call statement('rename_relation') -%}
        alter table {{ from_relation }} rename to {{ new_name }}
    {%- endcall -%}
{%- endmacro %}

{% macro get_rename_sql(relation, new_name) -%}
    {{ adapter.dispatch('get_rename_sql', 'dbt')(relation, new_name) }}
{%- endmacro %}

{% macro default__get_rename_sql(relation, new_name) -%}
    {%- if relation.is_view -%}
        alter view {{ relation }} rename to {{ new_name }}
    {%- elif relation.is_materialized_view -%}
        alter materialized view {{ relation }} rename to {{ new_name }}
    {%- else -%}
        alter table {{ relation }} rename to {{ new_name }}
    {%- endif -%}
{%- endmacro %}

{% macro list_relations_without_caching(schema_relation) %}
    {{- return(adapter.dispatch('list_relations_without_caching', 'dbt')(schema_relation)) -}}
{% endmacro %}

{# What the database says of the schema: database, name, schema and type of each relation. #}
{% macro default__list_relations_without_caching(schema_relation) %}
    {%- do return(run_query(
        "select table_catalog as database, table_name as name, table_schema as schema,"
        ~ " case when table_type = 'VIEW' then 'view' else 'table' end as type"
        ~ " from " ~ schema_relation.information_schema('tables')
        ~ " where lower(table_schema) = lower('" ~ schema_relation.schema ~ "')"
    )) -%}
{% endmacro %}

{% macro list_schemas(database) -%}
    {{ return(adapter.dispatch('list_schemas', 'dbt')(database)) }}
{%- endmacro %}

{% macro default__list_schemas(database) -%}
    {%- do return(run_query(
        'select distinct schema_name from ' ~ information_schema_name(database) ~ '.schemata'
        ~ " where lower(catalog_name) = lower('" ~ database ~ "')"
    )) -%}
{%- endmacro %}

{# A table whose only cell counts the schemas of that name. #}
{% macro check_schema_exists(information_schema, schema) -%}
    {{ return(adapter.dispatch('check_schema_exists', 'dbt')(information_schema, schema)) }}
{%- endmacro %}

{% macro default__check_schema_exists(information_schema, schema) -%}
    {%- do return(run_query(
        'select count(*) from ' ~ information_schema ~ ".schemata where schema_name = '" ~ schema ~ "'"
        ~ (" and catalog_name = '" ~ information_schema.database ~ "'" if information_schema.database else '')
    )) -%}
{%- endmacro %}

{% macro information_schema_name(database) %}
    {{- return(adapter.dispatch('information_schema_name', 'dbt')(database)) -}}
{% endmacro %}

{% macro default__information_schema_name(database) -%}
    {{ database ~ '.' if database }}INFORMATION_SCHEMA
{%- endmacro %}

{% macro get_relation_last_modified(information_schema, relations) %}
    {{- return(adapter.dispatch('get_relation_last_modified', 'dbt')(information_schema, relations)) -}}
{% endmacro %}

{% macro default__get_relation_last_modified(information_schema, relations) %}
    {%- do exceptions.raise_not_implemented(
        'the adapter ' ~ adapter.type() ~ ' does not tell when a relation was last modified'
    ) -%}
{% endmacro %}

{% macro collect_freshness(source, loaded_at_field, filter) %}
    {{- return(adapter.dispatch('collect_freshness', 'dbt')(source, loaded_at_field, filter)) -}}
{% endmacro %}

{# The newest row's time and the time now, as the result of a statement. #}
{% macro default__collect_freshness(source, loaded_at_field, filter) %}
    {%- call statement('collect_freshness', fetch_result=True, auto_begin=False) -%}
        select
            max({{ loaded_at_field }}) as max_loaded_at,
            {{ dbt.current_timestamp() }} as snapshotted_at
        from {{ source }}
        {{ 'where ' ~ filter if filter }}
    {%- endcall -%}
    {%- do return(load_result('collect_freshness')) -%}
{% endmacro %}

{% macro collect_freshness_custom_sql(source, loaded_at_query) %}
    {{- return(adapter.dispatch('collect_freshness_custom_sql', 'dbt')(source, loaded_at_query)) -}}
{% endmacro %}

{% macro default__collect_freshness_custom_sql(source, loaded_at_query) %}
    {%- call statement('collect_freshness_custom_sql', fetch_result=True, auto_begin=False) -%}
        with source_query as (
            {{ loaded_at_query }}
        )
        select
            (select * from source_query) as max_loaded_at,
            {{ dbt.current_timestamp() }} as snapshotted_at
    {%- endcall -%}
    {%- do return(load_result('collect_freshness_custom_sql')) -%}
{% endmacro %}

{# Makes room for a relation of another kind: what stands there is dropped, when `full_refresh` allows it. #}
{% macro handle_existing_table(full_refresh, old_relation) %}
    {{ adapter.dispatch('handle_existing_table', 'dbt')(full_refresh, old_relation) }}
{% endmacro %}

{% macro default__handle_existing_table(full_refresh, old_relation) %}
    {%- do log('Dropping relation ' ~ old_relation ~ ' because it is of type ' ~ old_relation.type) -%}
    {%- do adapter.drop_relation(old_relation) -%}
{% endmacro %}

{# The relation of a model, seed or snapshot by name, quoted for a template. #}
{% macro resolve_model_name(input_model_name) %}
    {{ return(adapter.dispatch('resolve_model_name', 'dbt')(input_model_name)) }}
{% endmacro %}

{% macro default__resolve_model_name(input_model_name) -%}
    {{ input_model_name | string | replace('"', '\\"') }}
{%- endmacro %}
