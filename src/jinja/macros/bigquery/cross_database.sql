{# Cross-database macros as BigQuery says them. #}

{% macro bigquery__dateadd(datepart, interval, from_date_or_timestamp) %}

        datetime_add(
            cast( {{ from_date_or_timestamp }} as datetime),
        interval {{ interval }} {{ datepart }}
        )

{% endmacro %}

{% macro bigquery__datediff(first_date, second_date, datepart) %}
    {%- set part = 'isoweek' if dbt_datediff_iso_week is defined and dbt_datediff_iso_week and datepart == 'week' else datepart %}

    datetime_diff(
        cast({{ second_date }} as datetime),
        cast({{ first_date }} as datetime),
        {{ part }}
    )

  {% endmacro %}

{% macro bigquery__date_trunc(datepart, date) -%}
    timestamp_trunc(
        cast({{ date }} as timestamp),
        {{ datepart }}
    )
{%- endmacro %}

{% macro bigquery__date(year, month, day) -%}
    date({{ year }}, {{ month }}, {{ day }})
{%- endmacro %}

{% macro bigquery__current_timestamp() -%}
    current_timestamp()
{%- endmacro %}

{% macro bigquery__current_timestamp_backcompat() -%}
    current_timestamp
{%- endmacro %}

{% macro bigquery__snapshot_string_as_time(timestamp) -%}
    {{ return('TIMESTAMP("' ~ timestamp ~ '")') }}
{%- endmacro %}

{% macro bigquery__snapshot_hash_arguments(args) -%}
    to_hex(md5(concat(
    {%- for arg in args -%}
        coalesce(cast({{ arg }} as string), ''){{ ", '|'," if not loop.last }}
    {%- endfor -%}
    )))
{%- endmacro %}

{# Parts count from 0; those before the end are counted through the delimiters. #}
{% macro bigquery__split_part(string_text, delimiter_text, part_number) %}

  {% if part_number >= 0 %}
    split(
        {{ string_text }},
        {{ delimiter_text }}
        )[safe_offset({{ part_number - 1 }})]
  {% else %}
    split(
        {{ string_text }},
        {{ delimiter_text }}
        )[safe_offset(
          length({{ string_text }})
          - length(
              replace({{ string_text }},  {{ delimiter_text }}, '')
          ) + 1 + {{ part_number }}
        )]
  {% endif %}

{% endmacro %}

{% macro bigquery__hash(field) -%}
    to_hex({{ dbt.default__hash(field) }})
{%- endmacro %}

{% macro bigquery__right(string_text, length_expression) %}

    case when {{ length_expression }} = 0
        then ''
    else
        substr(
            {{ string_text }},
            -1 * ({{ length_expression }})
        )
    end
{%- endmacro %}

{% macro bigquery__position(substring_text, string_text) %}

    strpos(
        {{ string_text }},
        {{ substring_text }}

    )
{%- endmacro %}

{% macro bigquery__safe_cast(field, type) -%}
    safe_cast({{ field }} as {{ type }})
{%- endmacro %}

{% macro bigquery__bool_or(expression) -%}
    logical_or({{ expression }})
{%- endmacro %}

{% macro bigquery__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    string_agg(
        {{ measure }},
        {{ delimiter_text }}
        {{ order_by_clause or '' }}
        {{ 'limit ' ~ limit_num if limit_num }}
        )
{%- endmacro %}

{% macro bigquery__array_construct(inputs, data_type) -%}
    {% if inputs | length > 0 %}
    [ {{ inputs | join(' , ') }} ]
    {% else %}
    ARRAY<{{ data_type }}>[]
    {% endif %}
{%- endmacro %}

{% macro bigquery__array_append(array, new_element) -%}
    {{ dbt.array_concat(array, dbt.array_construct([new_element])) }}
{%- endmacro %}

{% macro bigquery__array_concat(array_1, array_2) -%}
    array_concat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{% macro bigquery__except() %}

    except distinct

{% endmacro %}

{% macro bigquery__intersect() %}

    intersect distinct

{% endmacro %}

{% macro bigquery__escape_single_quotes(expression) -%}
    {{ expression | replace("'", "\\'") }}
{%- endmacro %}

{% macro bigquery__string_literal(value) -%}
    '''{{ value }}'''
{%- endmacro %}

{# Without a row to read, BigQuery would still bill for the scan of a constant filter. #}
{% macro bigquery__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {{ select_sql_header if select_sql_header is not none -}}
    select * from (
        {{ select_sql }}
    ) as __dbt_sbq
    where false and current_timestamp() = current_timestamp()
    limit 0
{% endmacro %}

{% macro bigquery__can_clone_table() %}
    {%- do return(true) -%}
{% endmacro %}

{% macro bigquery__equals(expr1, expr2) -%}
    {%- if adapter.behavior.enable_truthy_nulls_equals_macro.no_warn -%}
    {{ expr1 }} is not distinct from {{ expr2 }}
    {%- else -%}
    ({{ expr1 }} = {{ expr2 }})
    {%- endif -%}
{%- endmacro %}

{# The rows are gathered first, so that the column is named once. #}
{% macro bigquery__test_unique(model, column_name) %}

with dbt_test__target as (

  select {{ column_name }} as unique_field
  from {{ model }}
  where {{ column_name }} is not null

)

select
    unique_field,
    count(*) as n_records

from dbt_test__target
group by unique_field
having count(*) > 1

{% endmacro %}
