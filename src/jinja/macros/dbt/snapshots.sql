{# Snapshots: what changed since the last one, and the rows that record it. #}

{% macro snapshot_get_time() -%}
    {{ adapter.dispatch('snapshot_get_time', 'dbt')() }}
{%- endmacro %}

{% macro default__snapshot_get_time() %}
    {{ dbt.current_timestamp() }}
{% endmacro %}

{% macro snapshot_string_as_time(timestamp) -%}
    {{ adapter.dispatch('snapshot_string_as_time', 'dbt')(timestamp) }}
{%- endmacro %}

{% macro default__snapshot_string_as_time(timestamp) %}
    {%- do exceptions.raise_not_implemented(
        'snapshot_string_as_time is not known for the adapter ' ~ adapter.type()
    ) -%}
{% endmacro %}

{% macro get_snapshot_get_time_data_type() %}
    {%- set columns = get_column_schema_from_query('select ' ~ snapshot_get_time() ~ ' as dbt_snapshot_time') -%}
    {%- do return(columns[0].dtype) -%}
{% endmacro %}

{% macro snapshot_hash_arguments(args) -%}
    {{ adapter.dispatch('snapshot_hash_arguments', 'dbt')(args) }}
{%- endmacro %}

{% macro default__snapshot_hash_arguments(args) -%}
    md5(
    {%- for arg in args -%}
        coalesce(cast({{ arg }} as varchar ), '')
        {{ " || '|' || " if not loop.last -}}
    {%- endfor -%}
    )
{%- endmacro %}

{# Names of the columns that a snapshot adds. #}
{% macro get_snapshot_table_column_names() %}
    {%- set names = {} -%}
    {%- for name in ['dbt_valid_to', 'dbt_valid_from', 'dbt_scd_id', 'dbt_updated_at', 'dbt_is_deleted'] -%}
        {%- do names.update({name: name}) -%}
    {%- endfor -%}
    {%- do return(names) -%}
{% endmacro %}

{% macro unique_key_fields(unique_key) %}
    {% if unique_key is sequence and unique_key is not string %}
        {% for key in unique_key %}
            {{ key }} as dbt_unique_key_{{ loop.index }} {{ ',' if not loop.last }}
        {%- endfor %}
    {% else %}
        {{ unique_key }} as dbt_unique_key
    {% endif %}
{% endmacro %}

{% macro unique_key_join_on(unique_key, identifier, from_identifier) %}
    {% if unique_key is sequence and unique_key is not string %}
        {% for key in unique_key %}
            {%- set name = 'dbt_unique_key_' ~ loop.index -%}
            {{ equals(identifier ~ '.' ~ name, from_identifier ~ '.' ~ name) | trim }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    {% else %}
        {{ identifier }}.dbt_unique_key = {{ from_identifier }}.dbt_unique_key
    {% endif %}
{% endmacro %}

{% macro unique_key_is_null(unique_key, identifier) %}
    {% if unique_key is sequence and unique_key is not string %}
        {{ identifier }}.dbt_unique_key_1 is null
    {% else %}
        {{ identifier }}.dbt_unique_key is null
    {% endif %}
{% endmacro %}

{% macro unique_key_is_not_null(unique_key, identifier) %}
    {% if unique_key is sequence and unique_key is not string %}
        {{ identifier }}.dbt_unique_key_1 is not null
    {% else %}
        {{ identifier }}.dbt_unique_key is not null
    {% endif %}
{% endmacro %}

{# How a strategy is found: its macro is called snapshot_<name>_strategy, in a package when the name has one. #}
{% macro strategy_dispatch(name) -%}
    {%- set parts = name.split('.') -%}
    {%- set search = context.get(parts[0], none) if parts | length == 2 else context -%}
    {%- set macro_name = 'snapshot_' ~ parts[-1] ~ '_strategy' -%}
    {%- set found = search[macro_name] if search else none -%}
    {%- if not found -%}
        {%- do exceptions.raise_compiler_error('there is no snapshot strategy ' ~ name ~ ': no macro is called ' ~ macro_name) -%}
    {%- endif -%}
    {%- do return(found) -%}
{%- endmacro %}

{% macro snapshot_timestamp_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {%- set unique_key = config.get('unique_key') -%}
    {%- set updated_at = config.get('updated_at') -%}
    {%- set names = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
    {%- set keys = unique_key if unique_key is sequence and unique_key is not string else [unique_key] -%}
    {%- do return({
        'unique_key': unique_key,
        'updated_at': updated_at,
        'row_changed': '(' ~ snapshotted_rel ~ '.' ~ names.dbt_valid_from ~ ' < ' ~ current_rel ~ '.' ~ updated_at ~ ')',
        'scd_id': snapshot_hash_arguments(keys + [updated_at]),
        'invalidate_hard_deletes': hard_deletes == 'invalidate',
        'hard_deletes': hard_deletes,
    }) -%}
{% endmacro %}

{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
    {%- set unique_key = config.get('unique_key') -%}
    {%- set updated_at = config.get('updated_at') or snapshot_get_time() -%}
    {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
    {%- set keys = unique_key if unique_key is sequence and unique_key is not string else [unique_key] -%}
    {%- set added, names = snapshot_check_all_get_existing_columns(node, target_exists, config.get('check_cols') or []) -%}
    {%- set differences = ['TRUE'] if added else [] -%}
    {%- for name in names -%}
        {%- set old = snapshotted_rel ~ '.' ~ name -%}
        {%- set new = current_rel ~ '.' ~ name -%}
        {%- do differences.append(
            old ~ ' != ' ~ new ~ ' or ((' ~ old ~ ' is null and not (' ~ new ~ ' is null)) or ((not '
            ~ old ~ ' is null) and (' ~ new ~ ' is null)))'
        ) -%}
    {%- endfor -%}
    {%- do return({
        'unique_key': unique_key,
        'updated_at': updated_at,
        'row_changed': '(' ~ differences | join(' or ') ~ ')',
        'scd_id': snapshot_hash_arguments(keys + [updated_at]),
        'invalidate_hard_deletes': hard_deletes == 'invalidate',
        'hard_deletes': hard_deletes,
    }) -%}
{% endmacro %}

{# (whether the query has columns that the snapshot does not, columns to compare) #}
{% macro snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) -%}
    {%- if not target_exists -%}
        {%- do return((false, check_cols_config if check_cols_config != 'all' else get_columns_in_query(node['compiled_code']))) -%}
    {%- endif -%}
    {%- set existing = adapter.get_columns_in_relation(load_cached_relation(this)) | map(attribute='name') | map('lower') | list -%}
    {%- set checked = get_columns_in_query(node['compiled_code']) if check_cols_config == 'all' else check_cols_config -%}
    {%- set kept = [] -%}
    {%- set added = [] -%}
    {%- for name in checked -%}
        {%- do (kept if name | lower in existing else added).append(adapter.quote(name) if check_cols_config == 'all' else name) -%}
    {%- endfor -%}
    {%- do return((added | length > 0, kept)) -%}
{%- endmacro %}

{% macro get_dbt_valid_to_current(strategy, columns) %}
  {%- set current = config.get('dbt_valid_to_current') or 'null' %}
  coalesce(nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}), {{ current }})
  as {{ columns.dbt_valid_to }}
{% endmacro %}

{% macro build_snapshot_table(strategy, sql) -%}
    {{ adapter.dispatch('build_snapshot_table', 'dbt')(strategy, sql) }}
{%- endmacro %}

{% macro default__build_snapshot_table(strategy, sql) %}
    {% set names = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() %}
    select *,
        {{ strategy.scd_id }} as {{ names.dbt_scd_id }},
        {{ strategy.updated_at }} as {{ names.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ names.dbt_valid_from }},
        {{ get_dbt_valid_to_current(strategy, names) | trim }}
        {%- if strategy.hard_deletes == 'new_record' %},
        'False' as {{ names.dbt_is_deleted }}
        {%- endif %}
    from (
        {{ sql }}
    ) sbq
{% endmacro %}

{% macro post_snapshot(staging_relation) %}
    {{- adapter.dispatch('post_snapshot', 'dbt')(staging_relation) -}}
{% endmacro %}

{% macro default__post_snapshot(staging_relation) %}
{% endmacro %}

{% macro get_true_sql() %}
    {{- adapter.dispatch('get_true_sql', 'dbt')() -}}
{% endmacro %}

{% macro default__get_true_sql() %}
  TRUE
{% endmacro %}
