{# Cross-database macros as Spark SQL says them. #}

{# Calendar units move the date, to which the time of day is added again; the others are added in whole seconds. #}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) %}
    {%- set factors = {
        'day': 1, 'week': 7, 'month': 1, 'quarter': 3, 'year': 12,
        'hour': 3600, 'minute': 60, 'second': 1, 'microsecond': '(1/1000000)', 'millisecond': '(1/1000000)',
    } -%}
    {%- if datepart not in factors -%}
        {{ exceptions.raise_compiler_error('dateadd on ' ~ adapter.type() ~ ' does not know the date part ' ~ datepart) }}
    {%- endif -%}
    {%- set amount = 'cast(' ~ interval ~ ' * ' ~ factors[datepart] ~ ' as int)' -%}
    {%- if datepart in ['day', 'week', 'month', 'quarter', 'year'] -%}
        {%- set date = assert_not_null('date', from_date_or_timestamp) -%}
        to_timestamp(
            to_unix_timestamp(
                {{ 'date_add' if datepart in ['day', 'week'] else 'add_months' }}(
                    {{ date }},
                    {{ amount }}
                )
            ) + {# #}
        to_unix_timestamp({{ assert_not_null('to_timestamp', from_date_or_timestamp) }})
        - to_unix_timestamp({{ date }})
        )
    {%- else -%}
        to_timestamp(
            {{ assert_not_null('to_unix_timestamp', from_date_or_timestamp) }}
            + {{ amount }}
        )
    {%- endif -%}
{% endmacro %}

{# Days and longer units count the borders between both dates, weeks begin on Sunday; smaller units count begun ones. #}
{% macro spark__datediff(first_date, second_date, datepart) %}
    {%- set first = 'date(' ~ first_date ~ ')' -%}
    {%- set second = 'date(' ~ second_date ~ ')' -%}
    {%- set years = '(year(' ~ second ~ ') - year(' ~ first ~ '))' -%}
    {%- set days = 'datediff(' ~ second ~ ', ' ~ first ~ ')' -%}
    {%- set seconds = {'hour': '3600', 'minute': '60', 'second': '1', 'millisecond': '0.001', 'microsecond': '0.000001'}.get(datepart) -%}
    {%- if datepart in ['day', 'year'] %}
        {% set sure = {'first': assert_not_null('date', first_date), 'second': assert_not_null('date', second_date)} %}
        {%- if datepart == 'day' %}
        datediff({{ sure.second }}, {{ sure.first }})
        {%- else %}
        year({{ sure.second }}) - year({{ sure.first }})
        {%- endif -%}
    {%- elif datepart == 'week' -%}
        cast(({{ days }} + dayofweek({{ first }}) - dayofweek({{ second }})) / 7 as int)
    {%- elif datepart in ['month', 'quarter'] -%}
        ({{ years }} * {{ 12 if datepart == 'month' else 4 }} + {{ datepart }}({{ second }}) - {{ datepart }}({{ first }}))
    {%- elif seconds -%}
        {%- set apart = '(cast(to_timestamp(' ~ second_date ~ ') as double) - cast(to_timestamp(' ~ first_date ~ ') as double)) / ' ~ seconds -%}
        case when {{ first_date }} < {{ second_date }} then ceil({{ apart }}) else floor({{ apart }}) end
    {%- else -%}
        {{ exceptions.raise_compiler_error('datediff on ' ~ adapter.type() ~ ' does not know the date part ' ~ datepart) }}
    {%- endif -%}
{% endmacro %}

{% macro spark__date(year, month, day) -%}
    to_date('{{ modules.datetime.date(year, month, day).isoformat() }}', 'yyyy-MM-dd')
{%- endmacro %}

{% macro spark__current_timestamp() -%}
    current_timestamp()
{%- endmacro %}

{% macro spark__current_timestamp_in_utc_backcompat() -%}
    {{ return(adapter.dispatch('current_timestamp_backcompat', 'dbt')()) }}
{%- endmacro %}

{% macro spark__snapshot_string_as_time(timestamp) -%}
    {{ return("to_timestamp('" ~ timestamp ~ "')") }}
{%- endmacro %}

{% macro spark__snapshot_hash_arguments(args) -%}
    md5(
    {%- for arg in args -%}
        coalesce(cast({{ arg }} as string ), '')
        {{ " || '|' || " if not loop.last -}}
    {%- endfor -%}
    )
{%- endmacro %}

{# The delimiter is a pattern to Spark: it is quoted as a whole. Parts count from 0. #}
{% macro spark__split_part(string_text, delimiter_text, part_number) %}
    {%- set parts = "split(" ~ string_text ~ ", concat('\\\\Q', " ~ delimiter_text ~ ", '\\\\E'))" -%}
    {%- if part_number >= 0 -%}
        {{ parts }}[({{ part_number - 1 if part_number > 0 else part_number }})]
    {%- else -%}
        {{ parts }}[(size({{ parts }}) + {{ part_number }})]
    {%- endif -%}
{% endmacro %}

{% macro spark__concat(fields) -%}
    concat({{ fields | join(', ') }})
{%- endmacro %}

{% macro spark__safe_cast(field, type) -%}
    cast({{ field }} as {{ type }})
{% endmacro %}

{% macro spark__any_value(expression) -%}
    first({{ expression }})
{%- endmacro %}

{% macro spark__bool_or(expression) -%}
    max({{ expression }})
{%- endmacro %}

{# collect_list keeps no order of its own. #}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- if order_by_clause -%}
        {%- do exceptions.warn('listagg on ' ~ adapter.type() ~ ' does not order: ' ~ order_by_clause ~ ' is left out') -%}
    {%- endif -%}
    {%- set collected = 'collect_list(' ~ measure ~ ')' -%}
    {{ ' ' }}array_join( {{ 'slice( ' ~ collected ~ ' , 1, ' ~ limit_num ~ ')' if limit_num else collected }} , {{ delimiter_text }}){{ ' ' }}
{%- endmacro %}

{% macro spark__array_construct(inputs, data_type) -%}
    array( {{ inputs | join(' , ') }} )
{%- endmacro %}

{% macro spark__array_append(array, new_element) -%}
    {{ dbt.array_concat(array, dbt.array_construct([new_element])) }}
{%- endmacro %}

{% macro spark__array_concat(array_1, array_2) -%}
    concat({{ array_1 }}, {{ array_2 }})
{%- endmacro %}

{% macro spark__escape_single_quotes(expression) -%}
    {{ expression | replace("'", "\\'") }}
{%- endmacro %}

{% macro spark__make_temp_relation(base_relation, suffix) %}
    {%- set temporary = dbt.default__make_temp_relation(base_relation, suffix) -%}
    {%- do return(temporary.incorporate(path={'schema': none, 'database': none})) -%}
{% endmacro %}

{% macro spark__can_clone_table() %}
    {%- do return(true) -%}
{% endmacro %}

{% macro spark__support_multiple_grantees_per_dcl_statement() %}
    {%- do return(false) -%}
{% endmacro %}

{% macro spark__get_grant_sql(relation, privilege, grantees) -%}
    grant {{ privilege }} on {{ relation }} to {{ adapter.quote(grantees[0]) }}
{%- endmacro %}

{# None of them by name: every column is updated. #}
{% macro spark__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) %}
    {%- if merge_update_columns and merge_exclude_columns -%}
        {%- do exceptions.raise_compiler_error('a model sets merge_update_columns or merge_exclude_columns, not both') -%}
    {%- elif merge_update_columns -%}
        {%- do return(merge_update_columns) -%}
    {%- elif merge_exclude_columns -%}
        {%- do return(default__get_merge_update_columns(none, merge_exclude_columns, dest_columns)) -%}
    {%- endif -%}
    {%- do return(none) -%}
{% endmacro %}

{# There are schemas only. #}
{% macro spark__generate_database_name(custom_database_name=none, node=none) -%}
    {%- do return(none) -%}
{%- endmacro %}
