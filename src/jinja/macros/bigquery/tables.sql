{# How BigQuery partitions and clusters a table. #}

{% macro partition_by(partition_config) -%}
    {%- if partition_config is none -%}
        {%- do return('') -%}
    {%- elif partition_config.data_type | lower == 'int64' -%}
        partition by range_bucket(
            {{ partition_config.field }},
            generate_array({{ partition_config.range.start }}, {{ partition_config.range.end }}, {{ partition_config.range.interval }})
        )
    {%- else -%}
        partition by {{ partition_config.render() }}
    {%- endif -%}
{%- endmacro %}

{% macro cluster_by(raw_cluster_by) -%}
    {%- if raw_cluster_by -%}
        cluster by {{ raw_cluster_by if raw_cluster_by is string else raw_cluster_by | join(', ') }}
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__format_column(column) -%}
    {%- set formatted = column.column | lower ~ ' ' ~ column.data_type -%}
    {%- do return({'name': column.name, 'data_type': column.data_type, 'formatted': formatted}) -%}
{%- endmacro %}

{% macro bigquery__get_empty_schema_sql(columns) -%}
    {%- set nulls = [] -%}
    {%- for name in columns -%}
        {%- do nulls.append((dbt.cast('null', columns[name].data_type) | trim) ~ ' as ' ~ columns[name].name) -%}
    {%- endfor -%}
    select
    {{ nulls | join(',\n    ') }}
{%- endmacro %}

{% macro bigquery__get_grant_sql(relation, privilege, grantees) -%}
    grant {{ adapter.quote(privilege) }} on {{ relation.type }} {{ relation }} to "{{ grantees | join('", "') }}"
{%- endmacro %}

{% macro bigquery__get_revoke_sql(relation, privilege, grantees) -%}
    revoke {{ adapter.quote(privilege) }} on {{ relation.type }} {{ relation }} from "{{ grantees | join('", "') }}"
{%- endmacro %}
