{# Values that must not be lost by a conversion. #}

{% macro assert_not_null(function, arg) %}
    {{ return(adapter.dispatch('assert_not_null', 'dbt')(function, arg)) }}
{% endmacro %}

{% macro spark__assert_not_null(function, arg) %}
{%- set value = function ~ '(' ~ arg ~ ')' %}

    coalesce({{ value }}, nvl2({{ value }}, assert_true({{ value }} is not null), null))

{% endmacro %}
