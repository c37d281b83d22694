{#
    The rows of int_customer_days for some days of the accepted lines.

    transactions: stg_transactions.
    days: the first and the last day. none = all days, an empty list = no day.

    The products of an order are counted in a list of their 64-bit hashes. To group by
    order and product would take twice the time. A list cannot be moved to disk when
    memory is full, so a long log is built in parts (int_days_to_build).
#}
{% macro customer_days(transactions, days=none) %}
{%- set money = money_type() -%}
with transactions as (

    select * from {{ transactions }}
    {% if days %}
        where {{ falls_on(
            'ordered_at', "date '" ~ days[0] ~ "'", "date '" ~ days[1] ~ "'"
        ) }}
    {% elif days is not none %}
        where false
    {% endif %}

),

orders as (

    select
        customer_id,
        order_date,
        order_id,
        cast(sum(amount) as {{ money }}) as net_amount,
        cast(count(*) as integer) as line_count,
        cast({{ distinct_in_group('product_id') }} as integer) as product_count,
    from transactions
    group by
        customer_id,
        order_date,
        order_id

)

select
    customer_id,
    order_date as activity_date,
    cast(count(*) filter (where net_amount > 0) as integer) as order_count,
    cast(
        coalesce(sum(line_count) filter (where net_amount > 0), 0) as integer
    ) as line_count,
    cast(
        coalesce(sum(product_count) filter (where net_amount > 0), 0) as integer
    ) as product_count,
    cast(
        coalesce(sum(net_amount) filter (where net_amount > 0), 0) as {{ money }}
    ) as gross_revenue,
    cast(
        coalesce(max(net_amount) filter (where net_amount > 0), 0) as {{ money }}
    ) as max_order_value,
    cast(count(*) filter (where net_amount < 0) as integer) as return_count,
    cast(
        coalesce(-sum(net_amount) filter (where net_amount < 0), 0) as {{ money }}
    ) as returned_revenue,
    cast(sum(net_amount) as {{ money }}) as net_revenue,
    (select max(load_id) from {{ source('raw', 'files') }}) as load_id,
from orders
group by
    customer_id,
    order_date
{% endmacro %}


{#
    Number of distinct values of a column, for many small groups. NULL does not count.
    Two values of a group with the same 64-bit hash would count as one: that happens in
    1 of 10^13 groups of 1,000 values.
#}
{% macro distinct_in_group(column) -%}
{%- if target.type == 'spark' -%}
    count(distinct {{ column }})
{%- else -%}
    list_unique(list(case when {{ column }} is not null then hash({{ column }}) end))
{%- endif -%}
{%- endmacro %}


{#
    Number of lines after which a part of a build ends. A day is never split, so a part
    may hold one day more.
#}
{% macro lines_of_a_part() -%}
{{ env_var('CLV_LINES_OF_A_PART', '8000000') | int }}
{%- endmacro %}


{#
    The parts of int_days_to_build, each as a first and a last day. It is none where all
    days are built in one statement (on Spark), and where nothing is executed.
#}
{% macro parts_to_build(days_to_build) -%}
{%- set is_built = execute and target.type == 'duckdb'
    and load_relation(days_to_build) is not none -%}
{%- if is_built -%}
    {%- set found = run_query(
        'select first_day, last_day from ' ~ days_to_build ~ ' order by part'
    ) -%}
    {{ return(found.rows | map('list') | list) }}
{%- endif -%}
{{ return(none) }}
{%- endmacro %}


{#
    Post-hook of int_customer_days. The model builds the first part. This builds the
    others, each with its own statement, all in the transaction of the model.
#}
{% macro build_other_parts() -%}
{%- for days in (parts_to_build(ref('int_days_to_build')) or [])[1:] %}
    delete from {{ this }}
    where activity_date between cast('{{ days[0] }}' as date) and cast('{{ days[1] }}' as date);
    insert into {{ this }} by name
    {{ customer_days(ref('stg_transactions'), days) }};
{% endfor -%}
{%- endmacro %}


{#
    The table of another model, as the last build left it. It is none before the first
    build, and when everything is built again (--full-refresh). It is not a ref(),
    because that model is built after the one that asks.
#}
{% macro built_before(model) -%}
{%- if execute and target.type == 'duckdb' and not should_full_refresh() -%}
    {{ return(load_relation(this.incorporate(path={'identifier': model}))) }}
{%- endif -%}
{{ return(none) }}
{%- endmacro %}
