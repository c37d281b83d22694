{#
    Post-hook of an incremental Python model. Drops the temporary table that it leaves:
    the adapter makes one in schema main, named after the model and the time, and never
    drops it.
#}
{% macro drop_temporary_copies() -%}
{%- if execute and target.type == 'duckdb' -%}
    {%- set copies = run_query(
        "select table_name from duckdb_tables() where schema_name = 'main'"
        ~ " and starts_with(table_name, '" ~ this.identifier ~ "__dbt_tmp')"
    ) -%}
    {%- for row in copies.rows -%}
        drop table main."{{ row[0] }}";
    {% endfor -%}
{%- endif -%}
{%- endmacro %}
