{#
    How many decimals the money of this home has: those of raw.transactions.amount, which
    source.money_decimals of the config sets. It is 4 before the first load, and on Spark.
#}
{% macro money_decimals() -%}
{%- if execute and target.type == 'duckdb' -%}
    {%- set found = run_query(
        "select numeric_scale from information_schema.columns"
        ~ " where table_catalog = current_catalog() and table_schema = 'raw'"
        ~ " and table_name = 'transactions' and column_name = 'amount'"
    ) -%}
    {%- if found.rows -%}
        {{ return(found.rows[0][0] | int) }}
    {%- endif -%}
{%- endif -%}
{{ return(4) }}
{%- endmacro %}


{#
    The type of a sum of money. It is as wide as there is, because many lines that each
    fit into DECIMAL(18) may not fit into it together.
#}
{% macro money_type() -%}
decimal(38, {{ money_decimals() }})
{%- endmacro %}


{#
    Columns of marts with a contract have the type of their yml. This gives those of
    money the decimals of this home: decimal(38, 4) in a yml stands for money_type().
#}
{% macro duckdb__get_table_columns_and_constraints() -%}
{{ return(
    table_columns_and_constraints() | replace('decimal(38, 4)', money_type())
) }}
{%- endmacro %}


{# The same for the comparison of a query with its contract. #}
{% macro duckdb__get_empty_schema_sql(columns) -%}
{{ return(
    dbt.default__get_empty_schema_sql(columns) | replace('decimal(38, 4)', money_type())
) }}
{%- endmacro %}
