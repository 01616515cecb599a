{# The query tag of a session while a model is built. #}

{% macro get_current_query_tag() -%}
    {{ return(run_query("show parameters like 'query_tag' in session").rows[0]['value']) }}
{%- endmacro %}

{% macro set_query_tag() -%}
    {{ return(adapter.dispatch('set_query_tag', 'dbt')()) }}
{%- endmacro %}

{# What the tag was before; none when the model asks for no tag. #}
{% macro snowflake__set_query_tag() -%}
    {%- set wanted = config.get('query_tag') -%}
    {%- if not wanted -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set before = get_current_query_tag() -%}
    {%- do run_query("alter session set query_tag = '" ~ wanted ~ "'") -%}
    {{ return(before) }}
{%- endmacro %}

{% macro unset_query_tag(original_query_tag) -%}
    {{ return(adapter.dispatch('unset_query_tag', 'dbt')(original_query_tag)) }}
{%- endmacro %}

{% macro snowflake__unset_query_tag(original_query_tag) -%}
    {%- if config.get('query_tag') and original_query_tag -%}
        {%- do run_query("alter session set query_tag = '" ~ original_query_tag ~ "'") -%}
    {%- elif config.get('query_tag') -%}
        {%- do run_query('alter session unset query_tag') -%}
    {%- endif -%}
{%- endmacro %}
