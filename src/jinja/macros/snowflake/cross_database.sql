{# Cross-database macros as Snowflake says them. #}

{# Shapes are read by functions of their own. #}
{% macro snowflake__cast(field, type) %}
    {{ 'to_' ~ type | lower ~ '(' ~ field ~ ')' if type | upper in ['GEOMETRY', 'GEOGRAPHY'] else 'cast(' ~ field ~ ' as ' ~ type ~ ')' }}
    {# #}
{%- endmacro %}

{# Only text can be tried; other casts that cannot fail are plain. #}
{% macro snowflake__safe_cast(field, type) %}
    {% if type | upper in ['GEOMETRY', 'GEOGRAPHY'] -%}
        try_to_{{ type | lower }}({{ field }})
    {% elif type | upper != 'VARIANT' %}
        try_cast({{ field }} as {{ type }})
    {% else -%}
        {{ dbt.cast(field, type) }}
    {% endif -%}
{% endmacro %}

{% macro snowflake__right(string_text, length_expression) %}

    case when {{ length_expression }} = 0
        then ''
    else
        right(
            {{ string_text }},
            {{ length_expression }}
        )
    end
{%- endmacro %}

{% macro snowflake__bool_or(expression) -%}
    boolor_agg({{ expression }})
{%- endmacro %}

{% macro snowflake__array_construct(inputs, data_type) -%}
    array_construct( {{ inputs | join(' , ') }} )
{%- endmacro %}

{% macro snowflake__escape_single_quotes(expression) -%}
    {{ expression | replace("'", "\\'") }}
{%- endmacro %}

{% macro snowflake__current_timestamp() -%}
    convert_timezone('UTC', current_timestamp())
{%- endmacro %}

{% macro snowflake__current_timestamp_backcompat() %}
  current_timestamp::{{ dbt.type_timestamp() }}
{% endmacro %}

{% macro snowflake__current_timestamp_in_utc_backcompat() %}
  convert_timezone('UTC', {{ snowflake__current_timestamp_backcompat() }})::{{ dbt.type_timestamp() }}
{% endmacro %}

{% macro snowflake__snapshot_get_time() -%}
    to_timestamp_ntz({{ dbt.current_timestamp() }})
{%- endmacro %}

{% macro snowflake__snapshot_string_as_time(timestamp) -%}
    {{ return("to_timestamp_ntz('" ~ timestamp ~ "')") }}
{%- endmacro %}

{% macro snowflake__can_clone_table() %}
    {%- do return(true) -%}
{% endmacro %}

{% macro snowflake__copy_grants() %}
    {%- do return(config.get('copy_grants', False)) -%}
{% endmacro %}

{% macro snowflake__support_multiple_grantees_per_dcl_statement() %}
    {%- do return(false) -%}
{% endmacro %}

{% macro snowflake__cast_bool_to_text(field) %}
  {{ dbt.default__cast(field, api.Column.translate_type('string')) }}
{% endmacro %}

{% macro snowflake__equals(expr1, expr2) -%}
    {%- if adapter.behavior.enable_truthy_nulls_equals_macro.no_warn -%}
    equal_null({{ expr1 }}, {{ expr2 }})
    {%- else -%}
    ({{ expr1 }} = {{ expr2 }})
    {%- endif -%}
{%- endmacro %}
