{# Cross-database macros as PostgreSQL says them. #}

{% macro postgres__dateadd(datepart, interval, from_date_or_timestamp) %}

    {{ from_date_or_timestamp }} + ((interval '1 {{ datepart }}') * ({{ interval }}))

{% endmacro %}

{# Each part counts in the next larger one and adds what is left over. #}
{% macro postgres__datediff(first_date, second_date, datepart) -%}
    {%- set larger = {
        'quarter': ['year', '4'],
        'month': ['year', '12'],
        'hour': ['day', '24'],
        'minute': ['hour', '60'],
        'second': ['minute', '60'],
        'millisecond': ['minute', '60000'],
        'microsecond': ['minute', '60000000'],
    }.get(datepart) -%}
    {% if datepart == 'year' %}
        (date_part('year', ({{ second_date }})::date) - date_part('year', ({{ first_date }})::date))
    {% elif datepart == 'day' %}
        (({{ second_date }})::date - ({{ first_date }})::date)
    {% elif datepart == 'week' %}
        ({{ dbt.datediff(first_date, second_date, 'day') }} / 7 + case
            when date_part('dow', ({{ first_date }})::timestamp) <= date_part('dow', ({{ second_date }})::timestamp) then
                case when {{ first_date }} <= {{ second_date }} then 0 else -1 end
            else
                case when {{ first_date }} <= {{ second_date }} then 1 else 0 end
        end)
    {% elif larger is none -%}
        {{ exceptions.raise_compiler_error('datediff on postgres does not know the date part ' ~ datepart ~ '; it takes year, quarter, month, week, day, hour, minute, second, millisecond or microsecond, in lower case') }}
    {%- else %}
        {%- set cast_to = 'date' if larger[0] == 'year' else 'timestamp' -%}
        {%- set left = "date_part('" ~ datepart ~ "', (" ~ second_date ~ ')::' ~ cast_to ~ ')' -%}
        {%- set right = "date_part('" ~ datepart ~ "', (" ~ first_date ~ ')::' ~ cast_to ~ ')' -%}
        {%- if larger[0] == 'minute' -%}
            {%- set left = 'floor(' ~ left ~ ')' -%}
            {%- set right = 'floor(' ~ right ~ ')' -%}
        {%- endif %}
        ({{ dbt.datediff(first_date, second_date, larger[0]) }} * {{ larger[1] }} + {{ left }} - {{ right }})
    {% endif %}
{%- endmacro %}

{% macro postgres__last_day(date, datepart) -%}
    {%- if datepart == 'quarter' -%}
    -- postgres dateadd does not support quarter interval.
    cast(
        {{ dbt.dateadd('day', '-1', dbt.dateadd('month', '3', dbt.date_trunc(datepart, date))) }}
        as date)
    {%- else -%}
    {{ dbt.default_last_day(date, datepart) }}
    {%- endif -%}
{%- endmacro %}

{% macro postgres__split_part(string_text, delimiter_text, part_number) %}

  {% if part_number >= 0 %}
    {{ dbt.default__split_part(string_text, delimiter_text, part_number) }}
  {% else %}
    {{ dbt._split_part_negative(string_text, delimiter_text, part_number) }}
  {% endif %}

{% endmacro %}

{# No any_value before version 16: the smallest is as good as any. #}
{% macro postgres__any_value(expression) -%}
    min({{ expression }})
{%- endmacro %}

{% macro postgres__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- if limit_num -%}
    array_to_string(
        (array_agg(
            {{ measure }}
            {{ order_by_clause or '' }}
        ))[1:{{ limit_num }}],
        {{ delimiter_text }}
        )
    {%- else %}
    string_agg(
        {{ measure }},
        {{ delimiter_text }}
        {{ order_by_clause or '' }}
        )
    {%- endif -%}
{%- endmacro %}

{% macro postgres__current_timestamp() -%}
    now()
{%- endmacro %}

{% macro postgres__current_timestamp_backcompat() %}
    current_timestamp::{{ dbt.type_timestamp() }}
{% endmacro %}

{% macro postgres__current_timestamp_in_utc_backcompat() %}
    (current_timestamp at time zone 'utc')::{{ dbt.type_timestamp() }}
{% endmacro %}

{% macro postgres__snapshot_get_time() -%}
    {{ dbt.current_timestamp() }}::timestamp without time zone
{%- endmacro %}

{% macro postgres__snapshot_string_as_time(timestamp) -%}
    {{ return("'" ~ timestamp ~ "'::timestamp without time zone") }}
{%- endmacro %}

{% macro postgres__equals(expr1, expr2) -%}
    {%- if adapter.behavior.enable_truthy_nulls_equals_macro.no_warn %}
    ({{ expr1 }} IS NOT DISTINCT FROM {{ expr2 }})
    {%- else -%}
    ({{ expr1 }} = {{ expr2 }})
    {%- endif -%}
{%- endmacro %}
