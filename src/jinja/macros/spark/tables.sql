{# How Spark stores a table: what a model's configuration says of it, as clauses. #}

{% macro file_format_clause() %}
    {{- return(adapter.dispatch('file_format_clause', 'dbt')()) -}}
{% endmacro %}

{% macro spark__file_format_clause() -%}
    {%- if config.get('file_format') %}
    using {{ config.get('file_format') }}
    {%- endif -%}
{%- endmacro %}

{% macro location_clause() %}
    {{- return(adapter.dispatch('location_clause', 'dbt')()) -}}
{% endmacro %}

{% macro spark__location_clause() -%}
    {%- if config.get('location_root') %}
    location '{{ config.get('location_root') }}/{{ model['alias'] }}'
    {%- endif -%}
{%- endmacro %}

{% macro partition_cols(label, required=false) %}
    {{- return(adapter.dispatch('partition_cols', 'dbt')(label, required)) -}}
{% endmacro %}

{% macro spark__partition_cols(label, required=false) -%}
    {%- set names = config.get('partition_by') -%}
    {%- if names -%}
        {{ label }} ({{ names if names is string else names | join(',') }})
    {%- endif -%}
{%- endmacro %}

{% macro clustered_cols(label, required=false) %}
    {{- return(adapter.dispatch('clustered_cols', 'dbt')(label, required)) -}}
{% endmacro %}

{% macro spark__clustered_cols(label, required=false) -%}
    {%- set names, buckets = config.get('clustered_by'), config.get('buckets') -%}
    {%- if names and buckets -%}
        {{ label }} ({{ names if names is string else names | join(',') }}) into {{ buckets }} buckets
    {%- endif -%}
{%- endmacro %}

{% macro comment_clause() %}
    {{- return(adapter.dispatch('comment_clause', 'dbt')()) -}}
{% endmacro %}

{% macro spark__comment_clause() -%}
    {%- if (config.get('persist_docs') or {}).get('relation') -%}
    comment '{{ model.description | replace("'", "\\'") }}'
    {%- endif -%}
{%- endmacro %}

{% macro options_clause() -%}
    {{ return(adapter.dispatch('options_clause', 'dbt')()) }}
{%- endmacro -%}

{% macro spark__options_clause() -%}
    {%- if config.get('options') -%}
    options (
        {%- for key, value in config.get('options').items() -%}
        {{ key }} "{{ value }}"{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
    {%- endif -%}
{%- endmacro %}

{% macro tblproperties_clause() -%}
    {{ return(adapter.dispatch('tblproperties_clause', 'dbt')()) }}
{%- endmacro -%}

{% macro spark__tblproperties_clause() -%}
    {%- if config.get('tblproperties') %}
    tblproperties ({% for key, value in config.get('tblproperties').items() %}'{{ key }}' = '{{ value }}'{{ ', ' if not loop.last }} {# #}
    {% endfor %})
    {%- endif -%}
{%- endmacro %}
