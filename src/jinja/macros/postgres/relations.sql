{# Relations of PostgreSQL: made, listed, commented and granted. #}

{% macro postgres__create_schema(relation) -%}
    {%- call statement('create_schema') -%}
        create schema if not exists {{ relation.without_identifier().include(database=False) }}
    {%- endcall -%}
{%- endmacro %}

{% macro postgres__drop_schema(relation) -%}
    {%- call statement('drop_schema') -%}
        drop schema if exists {{ relation.without_identifier().include(database=False) }} cascade
    {%- endcall -%}
{%- endmacro %}

{% macro postgres__list_schemas(database) %}
    {%- do return(run_query('select distinct nspname from pg_namespace')) -%}
{% endmacro %}

{% macro postgres__check_schema_exists(information_schema, schema) -%}
    {%- do return(run_query("select count(*) from pg_namespace where nspname = '" ~ schema ~ "'")) -%}
{%- endmacro %}

{% macro postgres__information_schema_name(database) -%}
    information_schema
{%- endmacro %}

{% macro postgres__list_relations_without_caching(schema_relation) %}
    {%- set of = "'" ~ schema_relation.database ~ "' as database, " -%}
    {%- set schema = "'" ~ schema_relation.schema ~ "'" -%}
    {%- do return(run_query(
        'select ' ~ of ~ "tablename as name, schemaname as schema, 'table' as type from pg_tables where schemaname ilike " ~ schema
        ~ ' union all select ' ~ of ~ "viewname as name, schemaname as schema, 'view' as type from pg_views where schemaname ilike " ~ schema
        ~ ' union all select ' ~ of ~ "matviewname as name, schemaname as schema, 'materialized_view' as type from pg_matviews where schemaname ilike " ~ schema
    )) -%}
{% endmacro %}

{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- set sql_header = config.get('sql_header', none) -%}
    {%- set checked = config.get('contract').enforced -%}
    {{ sql_header if sql_header is not none }}
    create {{ 'temporary' if temporary else ('unlogged' if config.get('unlogged', default=false)) }} table {{ relation }}
    {%- if checked %}
        {{ get_assert_columns_equivalent(sql) }}
        {{- get_table_columns_and_constraints() if not temporary else '' }}
        {%- if not temporary %};
    insert into {{ relation }} (
        {{ adapter.dispatch('get_column_names', 'dbt')() }}
    )
        {%- endif %}
        {{ 'as' if temporary }}
    {%- else %}
    as
    {%- endif %}
    (
        {{ get_select_subquery(sql) if checked else sql }}
    );
{%- endmacro %}

{# Names are cut so that the suffix fits into the 63 characters that PostgreSQL keeps. #}
{% macro postgres__make_relation_with_suffix(base_relation, suffix, dstring) %}
    {%- set ending = suffix ~ (modules.datetime.datetime.now().strftime('%H%M%S%f') if dstring else '') -%}
    {%- if ending | length > 63 -%}
        {%- do exceptions.raise_compiler_error('the suffix ' ~ ending ~ ' is longer than a name may be (63 characters)') -%}
    {%- endif -%}
    {%- do return(base_relation.incorporate(
        path={'identifier': base_relation.identifier[:63 - ending | length] ~ ending}
    )) -%}
{% endmacro %}

{% macro postgres__make_temp_relation(base_relation, suffix) %}
    {%- set temporary = postgres__make_relation_with_suffix(base_relation, suffix, dstring=True) -%}
    {%- do return(temporary.incorporate(path={'schema': none, 'database': none})) -%}
{% endmacro %}

{% macro postgres__make_intermediate_relation(base_relation, suffix) %}
    {%- do return(postgres__make_relation_with_suffix(base_relation, suffix, dstring=False)) -%}
{% endmacro %}

{% macro postgres__make_backup_relation(base_relation, backup_relation_type, suffix) %}
    {%- set backup = postgres__make_relation_with_suffix(base_relation, suffix, dstring=False) -%}
    {%- do return(backup.incorporate(type=backup_relation_type)) -%}
{% endmacro %}

{% macro postgres__drop_table(relation) -%}
    drop table if exists {{ relation }} cascade
{%- endmacro %}

{% macro postgres__drop_view(relation) -%}
    drop view if exists {{ relation }} cascade
{%- endmacro %}

{% macro postgres__drop_materialized_view(relation) -%}
    drop materialized view if exists {{ relation }} cascade
{%- endmacro %}

{% macro postgres__get_create_index_sql(relation, index_dict) -%}
    {%- set columns = index_dict['columns'] -%}
    {%- set name = local_md5(relation ~ columns | join('_') ~ py_current_timestring()) -%}
    create {{ 'unique ' if index_dict.get('unique') }}index if not exists "{{ name }}" on {{ relation }}
    {{- ' using ' ~ index_dict['type'] if index_dict.get('type') }} ({{ columns | join(', ') }})
{%- endmacro %}

{# Text in dollar quotes may hold any other quote. #}
{% macro postgres_escape_comment(comment) -%}
    {%- if comment is not string -%}
        {%- do exceptions.raise_compiler_error('a comment is text, not ' ~ comment) -%}
    {%- endif -%}
    {%- set mark = '$dbt_comment_literal_block$' -%}
    {%- if mark in comment -%}
        {%- do exceptions.raise_compiler_error('a comment cannot contain ' ~ mark) -%}
    {%- endif -%}
    {{ mark }}{{ comment }}{{ mark }}
{%- endmacro %}

{% macro postgres__alter_relation_comment(relation, comment) %}
    comment on {{ 'materialized view' if relation.is_materialized_view else relation.type }} {{ relation }} is {{ postgres_escape_comment(comment) }};
{% endmacro %}

{% macro postgres__alter_column_comment(relation, column_dict) %}
    {%- set existing = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- for name, column in validate_doc_columns(relation, column_dict, existing).items() if column['description'] %}
    comment on column {{ relation }}.{{ adapter.quote(name) if column['quote'] else name }} is {{ postgres_escape_comment(column['description']) }};
    {%- endfor %}
{% endmacro %}

{# Those that the current role granted to others. #}
{% macro postgres__get_show_grant_sql(relation) -%}
    select grantee, privilege_type
    from {{ relation.information_schema('role_table_grants') }}
    where grantor = current_role
      and grantee != current_role
      and table_schema = '{{ relation.schema }}'
      and table_name = '{{ relation.identifier }}'
{%- endmacro %}

{% macro postgres__copy_grants() %}
    {%- do return(false) -%}
{% endmacro %}

{% macro postgres__get_drop_index_sql(relation, index_name) -%}
    drop index if exists "{{ relation.schema }}"."{{ index_name }}"
{%- endmacro %}

{# Name, method, uniqueness and columns of each index. #}
{% macro postgres__get_show_indexes_sql(relation) -%}
    select
        index_class.relname as name,
        pg_am.amname as method,
        pg_index.indisunique as "unique",
        string_agg(pg_attribute.attname, ',' order by pg_attribute.attnum) as column_names
    from pg_index
    join pg_class as index_class on index_class.oid = pg_index.indexrelid
    join pg_am on pg_am.oid = index_class.relam
    join pg_class as table_class on table_class.oid = pg_index.indrelid
    join pg_namespace on pg_namespace.oid = table_class.relnamespace
    join pg_attribute
        on pg_attribute.attrelid = table_class.oid
        and pg_attribute.attnum = any(pg_index.indkey)
    where table_class.relname = '{{ relation.identifier }}'
      and pg_namespace.nspname = '{{ relation.schema }}'
      and table_class.relkind in ('r', 'm')
    group by 1, 2, 3
    order by 1, 2, 3
{%- endmacro %}
