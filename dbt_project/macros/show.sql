{#
    What `dbt show` runs: a query that has a limit of its own, as analyses have, gets a second
    one around it. dbt would write the second one behind the first, which is no SQL.
#}
{% macro duckdb__get_limit_sql(sql, limit) -%}
select * from (
{{ sql }}
)
{%- if limit is not none %} limit {{ limit }}{% endif -%}
{%- endmacro %}
