{# Cross-database macros as Redshift says them, where it differs from PostgreSQL. #}

{% macro redshift__dateadd(datepart, interval, from_date_or_timestamp) %}
    {{- return(dbt.default__dateadd(datepart, interval, from_date_or_timestamp)) -}}
{% endmacro %}

{% macro redshift__datediff(first_date, second_date, datepart) %}
    {{- return(dbt.default__datediff(first_date, second_date, datepart)) -}}
{% endmacro %}

{% macro redshift__last_day(date, datepart) %}
    {{ dbt.default_last_day(date, datepart) }}
{% endmacro %}

{% macro redshift__length(expression) %}

    len(
        {{ expression }}
    )
{%- endmacro %}

{% macro redshift__cast_bool_to_text(field) %}
  
    case
        when {{ field }} is true then 'true'
        when {{ field }} is false then 'false'
    end::text

{% endmacro %}

{# Redshift cannot cut the list short: the first parts are cut out of the whole text. #}
{% macro redshift__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- set ordered = 'within group (' ~ order_by_clause ~ ')' if order_by_clause else '' -%}
    {%- if limit_num -%}
        {%- set delimiter = delimiter_text | trim("'") -%}
        {%- set escaped = [] -%}
        {%- for c in delimiter -%}
            {%- do escaped.append('\\\\' ~ c if c in '\\^$.|?*+()[]{}' else c) -%}
        {%- endfor -%}
        {%- set delimiter = escaped | join('') -%}
        {%- set parts = '([^' ~ delimiter ~ ']+' ~ delimiter ~ '){1,' ~ (limit_num - 1) ~ '}[^' ~ delimiter ~ ']+' -%}
        {{ '\n    ' * 2 ~ '\n        ' * 14 }}
    regexp_substr(
        listagg(
            {{ measure }},
            {{ delimiter_text }}
            )
            {{ ordered }}
        ,'{{ parts }}'
        )
    {%- else %}
    listagg(
        {{ measure }},
        {{ delimiter_text }}
        )
        {{ ordered }}
    {%- endif -%}
{%- endmacro %}

{% macro redshift__array_construct(inputs, data_type) -%}
    array( {{ inputs | join(' , ') }} )
{%- endmacro %}

{% macro redshift__array_append(array, new_element) -%}
    {{ dbt.array_concat(array, dbt.array_construct([new_element])) }}
{%- endmacro %}

{% macro redshift__array_concat(array_1, array_2) -%}
    array_concat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{% macro redshift__current_timestamp() -%}
    getdate()
{%- endmacro %}

{% macro redshift__current_timestamp_backcompat() -%}
    getdate()
{%- endmacro %}

{% macro redshift__current_timestamp_in_utc_backcompat() -%}
    getdate()
{%- endmacro %}

{% macro redshift__snapshot_get_time() -%}
    {{ dbt.current_timestamp() }}::timestamp
{%- endmacro %}

{% macro redshift__snapshot_string_as_time(timestamp) -%}
    {{ return("'" ~ timestamp ~ "'::timestamp") }}
{%- endmacro %}

{% macro redshift__get_batch_size() %}
    {%- do return(500) -%}
{% endmacro %}
