{# Columns of relations and queries: asking for them, comparing and changing them. #}

{% macro get_columns_in_relation(relation) -%}
    {{ return(adapter.dispatch('get_columns_in_relation', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__get_columns_in_relation(relation) -%}
    {%- do return(adapter.get_columns_in_relation(relation)) -%}
{%- endmacro %}

{# From a table of name, type, character length, numeric precision and numeric scale. #}
{% macro sql_convert_columns_in_relation(table) -%}
    {%- set columns = [] -%}
    {%- for row in table -%}
        {%- do columns.append(api.Column(row[0], row[1], row[2], row[3], row[4])) -%}
    {%- endfor -%}
    {%- do return(columns) -%}
{%- endmacro %}

{# The query with no rows: what it returns tells its columns. #}
{% macro get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {{ return(adapter.dispatch('get_empty_subquery_sql', 'dbt')(select_sql, select_sql_header)) }}
{%- endmacro %}

{% macro default__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {{ select_sql_header if select_sql_header is not none -}}
    select * from (
        {{ select_sql }}
    ) as __dbt_sbq
    where false
    limit 0
{% endmacro %}

{# Columns of a contract as nulls of their types. #}
{% macro get_empty_schema_sql(columns) -%}
    {{ return(adapter.dispatch('get_empty_schema_sql', 'dbt')(columns)) }}
{%- endmacro %}

{% macro default__get_empty_schema_sql(columns) -%}
    {%- set missing = [] -%}
    {%- set nulls = [] -%}
    {%- for name in columns -%}
        {%- set column = columns[name] -%}
        {%- if not column.data_type -%}
            {%- do missing.append(column.name) -%}
        {%- endif -%}
        {%- set shown = adapter.quote(column.name) if column.quote else column.name -%}
        {%- do nulls.append((dbt.cast('null', column.data_type) | trim) ~ ' as ' ~ shown) -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do exceptions.raise_compiler_error(
            'a contract needs a data_type for every column; these have none: ' ~ missing | join(', ')
        ) -%}
    {%- endif -%}
    select
    {{ nulls | join(',\n    ') }}
{%- endmacro %}

{% macro get_column_schema_from_query(select_sql, select_sql_header=none) -%}
    {%- do return(adapter.get_column_schema_from_query(get_empty_subquery_sql(select_sql, select_sql_header))) -%}
{%- endmacro %}

{% macro get_columns_in_query(select_sql) -%}
    {{ return(adapter.dispatch('get_columns_in_query', 'dbt')(select_sql)) }}
{%- endmacro %}

{% macro default__get_columns_in_query(select_sql) %}
    {%- call statement('get_columns_in_query', fetch_result=True, auto_begin=False) -%}
        {{ get_empty_subquery_sql(select_sql) }}
    {%- endcall -%}
    {%- do return(load_result('get_columns_in_query').table.column_names | list) -%}
{% endmacro %}

{% macro get_select_subquery(sql) %}
    {{- return(adapter.dispatch('get_select_subquery', 'dbt')(sql)) -}}
{% endmacro %}

{% macro default__get_select_subquery(sql) %}
    select {{ adapter.dispatch('get_column_names', 'dbt')() }}
    from (
        {{ sql }}
    ) as model_subq
{%- endmacro %}

{%- macro default__get_column_names() -%}
    {%- set names = [] -%}
    {%- for key in model['columns'] -%}
        {%- set column = model['columns'][key] -%}
        {%- do names.append(adapter.quote(column['name']) if column['quote'] else column['name']) -%}
    {%- endfor -%}
    {{ names | join(', ') }}
{%- endmacro -%}

{% macro get_list_of_column_names(columns) -%}
    {%- do return(columns | map(attribute='name') | list) -%}
{%- endmacro %}

{% macro get_quoted_csv(column_names) %}
    {%- set quoted = [] -%}
    {%- for name in column_names -%}
        {%- do quoted.append(adapter.quote(name)) -%}
    {%- endfor -%}
    {%- do return(quoted | join(', ')) -%}
{% endmacro %}

{% macro get_seed_column_quoted_csv(model, column_names) %}
    {%- set quote = model['config'].get('quote_columns', none) -%}
    {%- set quoted = [] -%}
    {%- for name in column_names -%}
        {%- do quoted.append(adapter.quote_seed_column(name, quote)) -%}
    {%- endfor -%}
    {%- do return(quoted | join(', ')) -%}
{% endmacro %}

{# Columns of the first list that the second does not have. #}
{% macro diff_columns(source_columns, target_columns) %}
    {%- set known = target_columns | map(attribute='name') | list -%}
    {%- set new = [] -%}
    {%- for column in source_columns if column.name not in known -%}
        {%- do new.append(column) -%}
    {%- endfor -%}
    {%- do return(new) -%}
{% endmacro %}

{# Columns of both lists whose type differs, with the type of the first. #}
{% macro diff_column_data_types(source_columns, target_columns) %}
    {{- return(adapter.dispatch('diff_column_data_types', 'dbt')(source_columns, target_columns)) -}}
{% endmacro %}

{% macro default__diff_column_data_types(source_columns, target_columns) %}
    {%- set changed = [] -%}
    {%- for column in source_columns -%}
        {%- for other in target_columns if other.name == column.name -%}
            {%- if column.data_type != other.data_type and not other.can_expand_to(other_column=column) -%}
                {%- do changed.append({'column_name': other.name, 'new_type': column.data_type}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(changed) -%}
{% endmacro %}

{% macro alter_column_type(relation, column_name, new_column_type) -%}
    {{ return(adapter.dispatch('alter_column_type', 'dbt')(relation, column_name, new_column_type)) }}
{%- endmacro %}

{# By way of a second column, which every engine can. #}
{% macro default__alter_column_type(relation, column_name, new_column_type) -%}
    {%- set old = adapter.quote(column_name) -%}
    {%- set new = adapter.quote(column_name ~ '__dbt_alter') -%}
    {%- call statement('alter_column_type') %}
        alter table {{ relation }} add column {{ new }} {{ new_column_type }};
        update {{ relation }} set {{ new }} = {{ old }};
        alter table {{ relation }} drop column {{ old }} cascade;
        alter table {{ relation }} rename column {{ new }} to {{ old }}
    {%- endcall -%}
{%- endmacro %}

{% macro alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}
    {{ return(adapter.dispatch('alter_relation_add_remove_columns', 'dbt')(relation, add_columns, remove_columns)) }}
{%- endmacro %}

{% macro default__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
    {%- set changes = [] -%}
    {%- for column in add_columns or [] -%}
        {%- do changes.append('add column ' ~ column.quoted ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- for column in remove_columns or [] -%}
        {%- do changes.append('drop column ' ~ column.quoted) -%}
    {%- endfor -%}
    {%- if changes -%}
        {%- do run_query('alter ' ~ relation.type ~ ' ' ~ relation ~ ' ' ~ changes | join(', ')) -%}
    {%- endif -%}
{% endmacro %}

{% macro create_columns(relation, columns) %}
    {{- adapter.dispatch('create_columns', 'dbt')(relation, columns) -}}
{% endmacro %}

{% macro default__create_columns(relation, columns) %}
    {%- for column in columns -%}
        {%- call statement() -%}
            alter table {{ relation }} add column {{ column.quoted }} {{ column.data_type }}
        {%- endcall -%}
    {%- endfor -%}
{% endmacro %}

{# Columns with their name, type and both in one text, for messages. #}
{% macro format_columns(columns) %}
    {%- set formatted = [] -%}
    {%- for column in columns -%}
        {%- do formatted.append(adapter.dispatch('format_column', 'dbt')(column)) -%}
    {%- endfor -%}
    {%- do return(formatted) -%}
{% endmacro %}

{% macro default__format_column(column) -%}
    {%- do return({
        'name': column.name, 'data_type': column.dtype, 'formatted': column.column ~ ' ' ~ column.dtype
    }) -%}
{%- endmacro %}

{%- macro get_table_columns_and_constraints() -%}
    {{ adapter.dispatch('get_table_columns_and_constraints', 'dbt')() }}
{%- endmacro -%}

{% macro default__get_table_columns_and_constraints() -%}
    {{ return(table_columns_and_constraints()) }}
{%- endmacro %}

{# What stands between the parentheses of create table: columns with their constraints, then the table's. #}
{% macro table_columns_and_constraints() %}
    {%- set parts = adapter.render_raw_columns_constraints(raw_columns=model['columns'])
        + adapter.render_raw_model_constraints(raw_constraints=model['constraints']) %}
    (
    {{ parts | join(',\n    ') }}
    )
{% endmacro %}

{%- macro get_assert_columns_equivalent(sql) -%}
    {{ adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql) }}
{%- endmacro -%}

{% macro default__get_assert_columns_equivalent(sql) -%}
    {{ return(assert_columns_equivalent(sql)) }}
{%- endmacro %}

{# An error when the query does not return the columns, with the types, that the model's contract promises. #}
{% macro assert_columns_equivalent(sql) %}
    {%- set promised = model['columns'] -%}
    {%- if not promised -%}
        {%- do exceptions.raise_compiler_error('the contract of ' ~ model.name ~ ' is enforced, and the model has no columns in its properties') -%}
    {%- endif -%}
    {%- set returned = {} -%}
    {%- for column in get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
        {%- do returned.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- set expected = {} -%}
    {%- for column in get_column_schema_from_query(get_empty_schema_sql(promised)) -%}
        {%- do expected.update({column.name | lower: column}) -%}
    {%- endfor -%}
    {%- set wrong = [] -%}
    {%- for name, column in expected.items() -%}
        {%- if name not in returned -%}
            {%- do wrong.append(column.name ~ ' is missing (' ~ column.dtype ~ ')') -%}
        {%- elif returned[name].dtype != column.dtype -%}
            {%- do wrong.append(column.name ~ ' is ' ~ returned[name].dtype ~ ', not ' ~ column.dtype) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name, column in returned.items() if name not in expected -%}
        {%- do wrong.append(column.name ~ ' is not in the contract (' ~ column.dtype ~ ')') -%}
    {%- endfor -%}
    {%- if wrong -%}
        {%- do exceptions.raise_compiler_error('the contract of ' ~ model.name ~ ' is broken: ' ~ wrong | join('; ')) -%}
    {%- endif -%}
{% endmacro %}
