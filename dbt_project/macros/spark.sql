{#
    Macros that dbt itself calls on a target, for Spark. Queries need none of them: they
    are written for DuckDB and translated when they are compiled
    (spark/dbt_on_spark.py).
#}
{% macro spark__cast(field, type) -%}
cast({{ field }} as {{ {'varchar': 'string', 'timestamp': 'timestamp_ntz'}.get(type, type) }})
{%- endmacro %}


{# Writes the rows of a Python model: dbt-spark can do that only on Databricks. #}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
{#- the newline keeps the code's own indentation -#}
{%- if language == 'python' %}
{{ compiled_code }}
from dbt_on_spark import write_model
write_model(
    model, dbtObj, spark, "{{ relation }}", "{{ config.get('file_format', 'parquet') }}"
)
{%- else -%}
{{ dbt.spark__create_table_as(temporary, relation, compiled_code, language) }}
{%- endif -%}
{%- endmacro %}


{# Spark replaces the batch of a mart as a partition; DuckDB deletes it and appends. #}
{% macro replace_partitions(otherwise) -%}
{{ return('insert_overwrite' if target.type == 'spark' else otherwise) }}
{%- endmacro %}


{#
    Makes Spark tables of the delivered lines, from the Parquet files of
    `python -m ml.delivery.spark_landing`. If a table of schema raw is already there,
    such as one of a data lake, it stays as it is.
#}
{% macro use_landed_files() -%}
{%- set is_building = flags.WHICH in ['run', 'build', 'test', 'retry'] -%}
{%- if execute and target.type == 'spark' and is_building -%}
    {%- set folder = env_var('CLV_HOME', '.') ~ '/warehouse/spark/landing/' -%}
    {%- do run_query('create schema if not exists raw') -%}
    {%- for table in ['files', 'transactions', 'training_requests'] -%}
        {%- do run_query(
            'create table if not exists raw.' ~ table ~ " using parquet location '" ~ folder ~ table ~ "'"
        ) -%}
        {%- do run_query('refresh table raw.' ~ table) -%}
    {%- endfor -%}
{%- endif -%}
{%- endmacro %}
