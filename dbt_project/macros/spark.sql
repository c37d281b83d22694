{#
    What dbt itself asks of a target, on Spark. Queries need nothing here: they are written
    for DuckDB and translated when they are compiled (spark/dbt_on_spark.py).
#}
{% macro spark__cast(field, type) -%}
cast({{ field }} as {{ {'varchar': 'string', 'timestamp': 'timestamp_ntz'}.get(type, type) }})
{%- endmacro %}


{# A Python model's rows become a table; dbt-spark's own way is for Databricks alone. #}
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


{# A mart's batch is replaced with its partition, where DuckDB deletes and appends. #}
{% macro replace_partitions(otherwise) -%}
{{ return('insert_overwrite' if target.type == 'spark' else otherwise) }}
{%- endmacro %}


{#
    The delivered lines as Spark tables over the parquet files that `python -m ml.delivery.spark_landing`
    wrote. Tables of schema raw that exist already (a lake's own) are left as they are.
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
