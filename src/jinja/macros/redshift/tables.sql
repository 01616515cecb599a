{# How Redshift distributes and sorts a table. #}

{% macro dist(dist) -%}
    {%- if dist in ['all', 'even'] -%}
        diststyle {{ dist }}
    {%- elif dist is not none and dist != 'auto' -%}
        diststyle key distkey ({{ dist }})
    {%- endif -%}
{%- endmacro %}

{% macro sort(sort_type, sort) -%}
    {%- if sort is not none %}
      {{ sort_type or 'compound' }} sortkey({{ sort if sort is string else sort | join(',') }})
    {%- endif -%}
{%- endmacro %}
