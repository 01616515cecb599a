{# Relations of DuckDB: made, listed, renamed and dropped. #}

{% macro duckdb__create_schema(relation) -%}
    {%- call statement('create_schema') -%}
        create schema if not exists {{ relation.without_identifier() }}
    {%- endcall -%}
{%- endmacro %}

{% macro duckdb__drop_schema(relation) -%}
    {%- call statement('drop_schema') -%}
        drop schema if exists {{ relation.without_identifier() }} cascade
    {%- endcall -%}
{%- endmacro %}

{% macro duckdb__list_schemas(database) -%}
    {%- do return(run_query(
        'select schema_name from system.information_schema.schemata'
        ~ (" where lower(catalog_name) = lower('" ~ database ~ "')" if database else '')
    )) -%}
{%- endmacro %}

{% macro duckdb__check_schema_exists(information_schema, schema) -%}
    {%- do return(run_query(
        "select count(*) from system.information_schema.schemata where lower(schema_name) = lower('" ~ schema ~ "')"
        ~ (" and lower(catalog_name) = lower('" ~ information_schema.database ~ "')" if information_schema.database else '')
    )) -%}
{%- endmacro %}

{% macro duckdb__list_relations_without_caching(schema_relation) %}
    {%- set database = schema_relation.database -%}
    {%- do return(run_query(
        "select '" ~ (database or '') ~ "' as database, table_name as name, table_schema as schema,"
        ~ " case table_type when 'VIEW' then 'view' else 'table' end as type"
        ~ " from system.information_schema.tables where lower(table_schema) = lower('" ~ schema_relation.schema ~ "')"
        ~ (" and lower(table_catalog) = lower('" ~ database ~ "')" if database else '')
    )) -%}
{% endmacro %}

{# A temporary table lives outside of the schema. #}
{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- set sql_header = config.get('sql_header', none) -%}
    {%- set checked = config.get('contract').enforced and not temporary -%}
    {{ sql_header if sql_header is not none }}
    create {{ 'temporary' if temporary }} table
      {{ relation.include(database=not temporary, schema=not temporary) }}
    {%- if checked %}
        {{ get_assert_columns_equivalent(compiled_code) }}
        {{ get_table_columns_and_constraints() }};
    insert into {{ relation }} by name (
        {{ get_select_subquery(compiled_code) }}
    );
    {%- else %}
    as (
      {{ compiled_code }}
    );
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__create_view_as(relation, sql) -%}
    {%- set sql_header = config.get('sql_header', none) -%}
    {{ sql_header if sql_header is not none }}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
    {%- endif %}
    create view {{ relation }} as (
    {{ sql }}
  );
{%- endmacro %}

{% macro duckdb__drop_relation(relation) -%}
    {%- call statement('drop_relation', auto_begin=False) -%}
        drop {{ relation.type }} if exists {{ relation }} cascade
    {%- endcall -%}
{%- endmacro %}

{% macro duckdb__rename_relation(from_relation, to_relation) -%}
    {%- set new_name = adapter.quote_as_configured(to_relation.identifier, 'identifier') -%}
    {%- call statement('rename_relation') -%}
        alter {{ to_relation.type }} {{ from_relation }} rename to {{ new_name }}
    {%- endcall -%}
{%- endmacro %}

{# Its name ends with the time, so that two runs do not meet. #}
{% macro duckdb__make_temp_relation(base_relation, suffix) %}
    {%- do return(base_relation.incorporate(
        path={'identifier': base_relation.identifier ~ suffix ~ py_current_timestring(), 'schema': none, 'database': none}
    )) -%}
{% endmacro %}

{# One statement for each column: DuckDB alters one thing at a time. #}
{% macro duckdb__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
    {%- for column in add_columns or [] -%}
        {%- do run_query('alter ' ~ relation.type ~ ' ' ~ relation ~ ' add column ' ~ column.quoted ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- for column in remove_columns or [] -%}
        {%- do run_query('alter ' ~ relation.type ~ ' ' ~ relation ~ ' drop column ' ~ column.quoted) -%}
    {%- endfor -%}
{% endmacro %}

{% macro duckdb__get_create_index_sql(relation, index_dict) -%}
    {%- set columns = index_dict['columns'] -%}
    {%- set name = local_md5(relation ~ columns | join('_') ~ py_current_timestring()) -%}
    create {{ 'unique ' if index_dict.get('unique') }}index "{{ name }}" on {{ relation }} ({{ columns | join(', ') }});
{%- endmacro %}

{% macro duckdb__get_binding_char() %}
    {%- do return(adapter.get_binding_char()) -%}
{% endmacro %}

{% macro duckdb__get_batch_size() %}
    {%- do return(10000) -%}
{% endmacro %}

{# Text in dollar quotes may hold any other quote. #}
{% macro duckdb_escape_comment(comment) -%}
    {%- if comment is not string -%}
        {%- do exceptions.raise_compiler_error('a comment is text, not ' ~ comment) -%}
    {%- endif -%}
    {%- set mark = '$dbt_comment_literal_block$' -%}
    {%- if mark in comment -%}
        {%- do exceptions.raise_compiler_error('a comment cannot contain ' ~ mark) -%}
    {%- endif -%}
    {{ mark }}{{ comment }}{{ mark }}
{%- endmacro %}

{% macro duckdb__alter_relation_comment(relation, comment) %}
    comment on {{ relation.type }} {{ relation }} is {{ duckdb_escape_comment(comment) }};
{% endmacro %}

{% macro duckdb__alter_column_comment(relation, column_dict) %}
    {%- set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- for name, column in validate_doc_columns(relation, column_dict, existing).items() if column['description'] %}
    comment on column {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }} is {{ duckdb_escape_comment(column['description']) }};
    {%- endfor %}
{% endmacro %}

{# DuckDB has no users, so there is nothing to grant. #}
{% macro duckdb__apply_grants(relation, grant_config, should_revoke=True) %}
    {%- if grant_config -%}
        {%- do exceptions.warn('grants are configured for ' ~ relation ~ ', and DuckDB has none') -%}
    {%- endif -%}
{% endmacro %}
