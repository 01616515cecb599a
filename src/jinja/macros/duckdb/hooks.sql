{# What the adapter for DuckDB keeps under names of its own. #}

{% macro create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if language != 'sql' -%}
        {%- do exceptions.raise_compiler_error('a table can be created from SQL only, not from ' ~ language) -%}
    {%- endif -%}
    {{ adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code) }}
{%- endmacro %}

{% macro run_hooks(hooks, inside_transaction=True) %}
    {% for hook in hooks | selectattr('transaction', 'equalto', inside_transaction) %}
        {% if not inside_transaction and loop.first %}
            {% call statement(auto_begin=inside_transaction) %}
                commit;
            {% endcall %}
        {% endif %}
        {% set rendered = render(hook.get('sql')) | trim %}
        {% if rendered %}
            {% call statement(auto_begin=inside_transaction) %}
                {{ rendered }}
            {% endcall %}
        {% endif %}
    {% endfor %}
{% endmacro %}
