{# Questions a model asks about the run it is part of. #}

{% macro is_incremental() %}
    {%- if not execute or not adapter.has_database() -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ return(
        existing is not none
        and existing.type == 'table'
        and model.config.materialized == 'incremental'
        and not should_full_refresh()
    ) }}
{% endmacro %}

{# The node's own full_refresh wins over the command line's. #}
{% macro should_full_refresh() %}
    {%- set of_node = config.get('full_refresh') -%}
    {{ return(flags.FULL_REFRESH if of_node is none else of_node) }}
{% endmacro %}

{# The same for tests that keep their failing rows. #}
{% macro should_store_failures() %}
    {%- set of_node = config.get('store_failures') -%}
    {{ return(flags.STORE_FAILURES if of_node is none else of_node) }}
{% endmacro %}

{% macro is_core_v2() %}
    {{ return(false) }}
{% endmacro %}
