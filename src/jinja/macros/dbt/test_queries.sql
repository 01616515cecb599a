{# The queries around a test's own: counting its rows, comparing a unit test's with what was expected. #}

{% macro get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {{ adapter.dispatch('get_test_sql', 'dbt')(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}

{% macro default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    select
      {{ fail_calc }} as failures,
      {{ fail_calc }} {{ warn_if }} as should_warn,
      {{ fail_calc }} {{ error_if }} as should_error
    from (
      {{ main_sql }}
      {{ 'limit ' ~ limit if limit is not none }}
    ) dbt_internal_test
{%- endmacro %}

{% macro get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
    {{ adapter.dispatch('get_unit_test_sql', 'dbt')(main_sql, expected_fixture_sql, expected_column_names) }}
{%- endmacro %}

{% macro default__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
-- Build actual result given inputs
with dbt_internal_unit_test_actual as (
  select
    {{ expected_column_names | join(',') }}, {{ dbt.string_literal('actual') }} as {{ adapter.quote('actual_or_expected') }}
  from (
    {{ main_sql }}
  ) _dbt_internal_unit_test_actual
),
-- Build expected result
dbt_internal_unit_test_expected as (
  select
    {{ expected_column_names | join(', ') }}, {{ dbt.string_literal('expected') }} as {{ adapter.quote('actual_or_expected') }}
  from (
    {{ expected_fixture_sql }}
  ) _dbt_internal_unit_test_expected
)
-- Union actual and expected results
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected
{%- endmacro %}

{# Rows as a query, the columns that a row leaves out as null of their type. #}
{% macro get_fixture_sql(rows, column_name_to_data_types) -%}
    {%- set queries = [] -%}
    {%- for row in rows -%}
        {%- set given = {} -%}
        {%- for name, value in format_row(row, column_name_to_data_types).items() -%}
            {%- do given.update({name | lower: value}) -%}
        {%- endfor -%}
        {%- set cells = [] -%}
        {%- for name, type in column_name_to_data_types.items() -%}
            {%- set value = given[name | lower] if name | lower in given else dbt.safe_cast('null', type) -%}
            {%- do cells.append((value | trim) ~ ' as ' ~ name) -%}
        {%- endfor -%}
        {%- do queries.append('select ' ~ cells | join(', ')) -%}
    {%- endfor -%}
    {{ queries | join('\n    union all\n    ') if queries else no_rows_sql(column_name_to_data_types) }}
{%- endmacro %}

{# Expected rows as a query of the columns that they name. #}
{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted) -%}
    {%- set queries = [] -%}
    {%- for row in rows -%}
        {%- set cells = [] -%}
        {%- for name, value in format_row(row, column_name_to_data_types).items() -%}
            {%- do cells.append((value | trim) ~ ' as ' ~ column_name_to_quoted.get(name, name)) -%}
        {%- endfor -%}
        {%- do queries.append('select ' ~ cells | join(', ')) -%}
    {%- endfor -%}
    {{ queries | join('\n    union all\n    ') if queries else no_rows_sql(column_name_to_data_types) }}
{%- endmacro %}

{% macro no_rows_sql(column_name_to_data_types) -%}
    {%- set cells = [] -%}
    {%- for name, type in column_name_to_data_types.items() -%}
        {%- do cells.append((dbt.safe_cast('null', type) | trim) ~ ' as ' ~ name) -%}
    {%- endfor -%}
    select {{ cells | join(', ') }} where false
{%- endmacro %}

{# A row of a fixture: each value cast to the type that the column has. #}
{% macro format_row(row, column_name_to_data_types) -%}
    {%- set formatted = {} -%}
    {%- for name, value in row.items() -%}
        {%- set type = column_name_to_data_types.get(name | lower) -%}
        {%- if type is none -%}
            {%- do exceptions.raise_compiler_error(
                'the fixture has a column ' ~ name ~ ', and the model or input has only '
                ~ column_name_to_data_types.keys() | join(', ')
            ) -%}
        {%- endif -%}
        {%- set text = 'null' if value is none
            else dbt.string_literal(dbt.escape_single_quotes(value)) if value is string
            else value | string -%}
        {%- do formatted.update({name: dbt.safe_cast(text, type)}) -%}
    {%- endfor -%}
    {%- do return(formatted) -%}
{%- endmacro %}

{% macro validate_fixture_rows(rows, row_number) -%}
    {{ return(adapter.dispatch('validate_fixture_rows', 'dbt')(rows, row_number)) }}
{%- endmacro %}

{%- macro default__validate_fixture_rows(rows, row_number) -%}
{%- endmacro -%}

{% macro validate_sql(sql) -%}
    {{ return(adapter.dispatch('validate_sql', 'dbt')(sql)) }}
{%- endmacro %}

{% macro default__validate_sql(sql) -%}
    {%- call statement('validate_sql') -%}
        explain {{ sql }}
    {%- endcall -%}
    {{ return(load_result('validate_sql')) }}
{%- endmacro %}
