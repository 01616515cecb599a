{# Cross-database macros as Databricks says them, where it differs from Spark. #}

{% macro databricks__dateadd(datepart, interval, from_date_or_timestamp) -%}
    timestampadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

{# Borders are counted: both ends are cut off to the unit first. #}
{% macro databricks__datediff(first_date, second_date, datepart) -%}
    timestampdiff({{ datepart }}, date_trunc('{{ datepart }}', {{ first_date }}), date_trunc('{{ datepart }}', {{ second_date }}))
{%- endmacro %}

{# What a delta table needs not to be told is its format, but its clause ends the line. #}
{% macro databricks__file_format_clause() -%}
    {%- if config.get('file_format') %}
    using {{ config.get('file_format') }}
  {% endif -%}
{%- endmacro %}

{% macro databricks__get_insert_overwrite_merge_sql(target, source, dest_columns, predicates, include_sql_header) -%}
    insert overwrite table {{ target }} by name
    select * from {{ source }}
{%- endmacro %}

{% macro databricks__make_temp_relation(base_relation, suffix) %}
    {%- set temporary = base_relation.incorporate(path={
        'identifier': base_relation.identifier ~ suffix, 'schema': none, 'database': none
    }) -%}
    {%- do return(temporary) -%}
{% endmacro %}

{% macro databricks__make_intermediate_relation(base_relation, suffix) %}
    {%- do return(databricks__make_temp_relation(base_relation, suffix)) -%}
{% endmacro %}

{% macro databricks__generate_database_name(custom_database_name=none, node=none) -%}
    {%- do return(default__generate_database_name(custom_database_name, node)) -%}
{%- endmacro %}

{# A part that is not there is null, as everywhere else. #}
{% macro databricks__split_part(string_text, delimiter_text, part_number) %}
    {%- set parts = "split(" ~ string_text ~ ", concat('\\\\Q', " ~ delimiter_text ~ ", '\\\\E'))" -%}
    {%- if part_number >= 0 -%}
        get({{ parts }}, {{ part_number - 1 if part_number > 0 else part_number }})
    {%- else -%}
        get({{ parts }}, size({{ parts }}) + {{ part_number }})
    {%- endif -%}
{% endmacro %}
