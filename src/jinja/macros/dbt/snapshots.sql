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

{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {{ adapter.dispatch('snapshot_staging_table', 'dbt')(strategy, source_sql, target_relation) }}
{%- endmacro %}

{# One row for each change: new or changed rows to insert, old versions to end, rows that are gone. #}
{% macro default__snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {%- set names = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set current = config.get('dbt_valid_to_current') -%}
    {%- set key = strategy.unique_key -%}
    {%- set marks_deletes = strategy.hard_deletes == 'new_record' -%}
    {%- set ends_deletes = marks_deletes or strategy.hard_deletes == 'invalidate' -%}
    {%- set now = snapshot_get_time() | trim -%}
    with snapshot_query as (
        {{ source_sql }}
    ),

    snapshotted_data as (
        select *, {{ unique_key_fields(key) }}
        from {{ target_relation }}
        where {{ names.dbt_valid_to }} is null
            {{- ' or ' ~ names.dbt_valid_to ~ ' = ' ~ current if current }}
    ),

    insertions_source_data as (
        select *, {{ unique_key_fields(key) }},
            {{ strategy.updated_at }} as {{ names.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ names.dbt_valid_from }},
            {{ get_dbt_valid_to_current(strategy, names) }},
            {{ strategy.scd_id }} as {{ names.dbt_scd_id }}
        from snapshot_query
    ),

    updates_source_data as (
        select *, {{ unique_key_fields(key) }},
            {{ strategy.updated_at }} as {{ names.dbt_updated_at }},
            {{ strategy.updated_at }} as {{ names.dbt_valid_from }},
            {{ strategy.updated_at }} as {{ names.dbt_valid_to }}
        from snapshot_query
    ),
    {%- if ends_deletes %}

    deletes_source_data as (
        select *, {{ unique_key_fields(key) }}
        from snapshot_query
    ),
    {%- endif %}

    insertions as (
        select
            'insert' as dbt_change_type,
            source_data.*
            {{- ", 'False' as " ~ names.dbt_is_deleted if marks_deletes }}
        from insertions_source_data as source_data
        left outer join snapshotted_data
            on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
        where {{ unique_key_is_null(key, 'snapshotted_data') }}
            or ({{ unique_key_is_not_null(key, 'snapshotted_data') }} and (
                {{ strategy.row_changed }}
                {{- " or snapshotted_data." ~ names.dbt_is_deleted ~ " = 'True'" if marks_deletes }}
            ))
    ),

    updates as (
        select
            'update' as dbt_change_type,
            source_data.*,
            snapshotted_data.{{ names.dbt_scd_id }}
            {{- ', snapshotted_data.' ~ names.dbt_is_deleted if marks_deletes }}
        from updates_source_data as source_data
        join snapshotted_data
            on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
        where (
            {{ strategy.row_changed }}
            {{- " or snapshotted_data." ~ names.dbt_is_deleted ~ " = 'True'" if marks_deletes }}
        )
    )
    {%- if ends_deletes %},

    deletes as (
        select
            'delete' as dbt_change_type,
            source_data.*,
            {{ now }} as {{ names.dbt_valid_from }},
            {{ now }} as {{ names.dbt_updated_at }},
            {{ now }} as {{ names.dbt_valid_to }},
            snapshotted_data.{{ names.dbt_scd_id }}
            {{- ', snapshotted_data.' ~ names.dbt_is_deleted if marks_deletes }}
        from snapshotted_data
        left join deletes_source_data as source_data
            on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
        where {{ unique_key_is_null(key, 'source_data') }}
            {{- " and not (snapshotted_data." ~ names.dbt_is_deleted ~ " = 'True')" if marks_deletes }}
    )
    {%- endif %}

    select * from insertions
    union all
    select * from updates
    {%- if ends_deletes %}
    union all
    select * from deletes
    {%- endif %}
{%- endmacro %}

{% macro snapshot_merge_sql(target, source, insert_cols) -%}
    {{ adapter.dispatch('snapshot_merge_sql', 'dbt')(target, source, insert_cols) }}
{%- endmacro %}

{% macro default__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- set names = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
    {%- set current = config.get('dbt_valid_to_current') -%}
    {%- set columns = insert_cols | join(', ') -%}
    merge into {{ target }} as DBT_INTERNAL_DEST
    using {{ source }} as DBT_INTERNAL_SOURCE
    on DBT_INTERNAL_SOURCE.{{ names.dbt_scd_id }} = DBT_INTERNAL_DEST.{{ names.dbt_scd_id }}
    when matched
        and (DBT_INTERNAL_DEST.{{ names.dbt_valid_to }} is null
        {{- ' or DBT_INTERNAL_DEST.' ~ names.dbt_valid_to ~ ' = ' ~ current if current }})
        and DBT_INTERNAL_SOURCE.dbt_change_type in ('update', 'delete')
        then update
        set {{ names.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ names.dbt_valid_to }}
    when not matched
        and DBT_INTERNAL_SOURCE.dbt_change_type = 'insert'
        then insert ({{ columns }})
        values ({{ columns }})
{%- endmacro %}

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

{# The rows that a snapshot will merge, in a temporary table. #}
{% macro build_snapshot_staging_table(strategy, sql, target_relation) %}
    {% set staging = make_temp_relation(target_relation) %}
    {% call statement('build_snapshot_staging_relation') %}
        {{ create_table_as(true, staging, snapshot_staging_table(strategy, sql, target_relation)) }}
    {% endcall %}
    {% do return(staging) %}
{% endmacro %}
