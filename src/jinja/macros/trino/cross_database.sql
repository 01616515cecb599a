{# Cross-database macros as Trino says them. #}

{% macro trino__current_timestamp() -%}
    current_timestamp
{%- endmacro %}

{% macro trino__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}

{% macro trino__dateadd(datepart, interval, from_date_or_timestamp) -%}
    date_add('{{ datepart }}', {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{# Each unit is counted from the one above it: days from dates, hours from days, and so on. #}
{% macro trino__datediff(first_date, second_date, datepart) -%}
    {%- set first = 'CAST(' ~ first_date ~ ' AS TIMESTAMP)' -%}
    {%- set second = 'CAST(' ~ second_date ~ ' AS TIMESTAMP)' -%}
    {%- if datepart in ['year', 'quarter', 'month'] -%}
        {%- set years = '(year(' ~ second ~ ') - year(' ~ first ~ '))' -%}
        {%- set parts = {'quarter': 4, 'month': 12}.get(datepart) -%}
        {%- if parts -%}
            ({{ years }} * {{ parts }}) + {{ datepart }}({{ second }}) - {{ datepart }}({{ first }})
        {%- else -%}
            {{ years }}
        {%- endif -%}
    {%- elif datepart == 'day' -%}
        ((to_milliseconds((CAST({{ second }} AS DATE) - CAST({{ first }} AS DATE)))) / 86400000)
    {%- elif datepart == 'week' -%}
        ({{ dbt.datediff(first_date, second_date, 'day') }} / 7 + case
            when dow({{ first }}) <= dow({{ second }}) then
                case when {{ first_date }} <= {{ second_date }} then 0 else -1 end
            else
                case when {{ first_date }} <= {{ second_date }} then 1 else 0 end
        end)
    {%- elif datepart in ['hour', 'minute', 'second'] -%}
        {%- set above, parts = {'hour': ('day', 24), 'minute': ('hour', 60), 'second': ('minute', 60)}[datepart] -%}
        ({{ dbt.datediff(first_date, second_date, above) }} * {{ parts }} + {{ datepart }}({{ second }}) - {{ datepart }}({{ first }}))
    {%- else -%}
        {{ exceptions.raise_compiler_error('datediff on trino does not know the date part ' ~ datepart) }}
    {%- endif -%}
{%- endmacro %}

{% macro trino__hash(field) -%}
    lower(to_hex(md5(to_utf8(cast({{ field }} as {{ dbt.type_string() }})))))
{%- endmacro %}

{% macro trino__right(string_text, length_expression) %}
    case when {{ length_expression }} = 0
        then ''
    else
        substr({{ string_text }}, -1 * ({{ length_expression }}))
    end
{%- endmacro %}

{% macro trino__split_part(string_text, delimiter_text, part_number) %}
  {% if part_number >= 0 %}
    {{ dbt.default__split_part(string_text, delimiter_text, part_number) }}
  {% else %}
    {{ dbt._split_part_negative(string_text, delimiter_text, part_number) }}
  {% endif %}
{% endmacro %}

{% macro trino__type_string() -%}
    varchar
{%- endmacro %}

{% macro trino__type_int() -%}
    integer
{%- endmacro %}

{% macro trino__type_float() -%}
    double
{%- endmacro %}

{% macro trino__type_numeric() -%}
    decimal(28, 6)
{%- endmacro %}

{# Any value will do: the least is one. #}
{% macro trino__any_value(expression) -%}
    min({{ expression }})
{%- endmacro %}

{% macro trino__bool_or(expression) -%}
    bool_or({{ expression }})
{%- endmacro %}

{% macro trino__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- set collected = 'array_agg(' ~ measure ~ ' ' ~ (order_by_clause or '') ~ ')' -%}
    {{ ' ' }}array_join( {{ 'slice( ' ~ collected ~ ' , 1, ' ~ limit_num ~ ')' if limit_num else collected }} , {{ delimiter_text }}){{ ' ' }}
{%- endmacro %}

{% macro trino__array_construct(inputs, data_type) -%}
    {{ 'array[ ' ~ inputs | join(' , ') ~ ' ]' if inputs | length > 0 else 'null' }}
{%- endmacro %}

{% macro trino__array_append(array, new_element) -%}
    {{ dbt.array_concat(array, dbt.array_construct([new_element])) }}
{%- endmacro %}

{% macro trino__array_concat(array_1, array_2) -%}
    concat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{% macro trino__date_trunc(datepart, date) -%}
    date_trunc('{{ datepart }}', {{ date }})
{%- endmacro %}

{% macro trino__snapshot_hash_arguments(args) -%}
    lower(to_hex(md5(to_utf8(concat(
    {%- for arg in args -%}
        coalesce(cast({{ arg }} as varchar), ''){{ ", '|'," if not loop.last }}
    {%- endfor -%}
    )))))
{%- endmacro %}

{% macro trino__snapshot_string_as_time(timestamp) -%}
    {{ return("timestamp '" ~ timestamp ~ "'") }}
{%- endmacro %}

{% macro trino__support_multiple_grantees_per_dcl_statement() %}
    {%- do return(false) -%}
{% endmacro %}

{% macro trino__copy_grants() %}
    {%- do return(false) -%}
{% endmacro %}

{% macro trino__get_batch_size() %}
    {%- do return(1000) -%}
{% endmacro %}

{% macro trino__get_binding_char() %}
    {%- do return('?') -%}
{% endmacro %}

{% macro trino__get_grant_sql(relation, privilege, grantees) -%}
    grant {{ privilege }} on {{ relation }} to {{ adapter.quote(grantees[0]) }}
{%- endmacro %}
