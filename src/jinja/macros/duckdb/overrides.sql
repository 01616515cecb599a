{# Macros that DuckDB's adapter has beside dbt's own of the same name: what calls one depends on this one, as in dbt. #}

{% macro create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if language != 'sql' -%}
        {%- do exceptions.raise_compiler_error('a table can be created from SQL only, not from ' ~ language) -%}
    {%- endif -%}
    {{ adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code) }}
{%- endmacro %}

{% macro run_hooks(hooks, inside_transaction=True) %}
    {% for hook in hooks | selectattr('transaction', 'equalto', inside_transaction) | list %}
        {% set rendered = render(hook.get('sql')) | trim %}
        {% if rendered %}
            {% call statement(auto_begin=inside_transaction) %}
                {{ rendered }}
            {% endcall %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{% macro build_snapshot_staging_table(strategy, sql, target_relation) %}
    {% set staging = make_temp_relation(target_relation) %}
    {% call statement('build_snapshot_staging_relation') %}
        {{ create_table_as(true, staging, snapshot_staging_table(strategy, sql, target_relation)) }}
    {% endcall %}
    {% do return(staging) %}
{% endmacro %}
