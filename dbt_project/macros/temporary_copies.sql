{#
    Drops what an incremental Python model leaves behind: the adapter makes its temporary
    table in schema main under the model's name and the moment, and never removes it.
    A post-hook of the model.
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
