{# Cross-database macros as Trino says them. #}

{% macro trino__current_timestamp() -%}
    current_timestamp
{%- endmacro %}

{% macro trino__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}
