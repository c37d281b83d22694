{#
    Publishes what was built, if no model and no test failed; otherwise the warehouse stays
    as it was. dbt builds in a side copy (ml/warehouse/plain_dbt.py). A build of the engine
    is published by the engine.
#}
{% macro finish_build(results) -%}
{%- set builds = flags.WHICH in ['run', 'build', 'seed', 'snapshot'] -%}
{%- if execute and target.type == 'duckdb' and builds -%}
    {%- set well = ['success', 'pass', 'warn', 'no-op'] -%}
    {%- set failed = [] -%}
    {%- for result in results if result.status | string not in well -%}
        {%- do failed.append(result.node.name) -%}
    {%- endfor -%}
    {%- set call = "select finish_build('" ~ (failed | first or '') ~ "')" -%}
    {%- set answer = run_query(call).rows[0][0] -%}
    {%- do log(answer, info=true) if answer -%}
{%- endif -%}
{%- endmacro %}
