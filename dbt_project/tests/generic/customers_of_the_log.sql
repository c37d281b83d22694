{# Fails when the customers, their orders or their revenue differ from those of `days`.
    It passes before the first batch, when the view is not there yet.
#}
{% test customers_of_the_log(model, days) %}
{%- if execute and load_relation(ref('customers')) is none -%}
select 1 as missing_view
where false
{%- else -%}
with ours as (

    select
        count(*) as customers,
        coalesce(sum(orders), 0) as orders,
        coalesce(sum(revenue), 0) as revenue,
    from {{ model }}

),

theirs as (

    select
        count(distinct customer_id) as customers,
        coalesce(sum(order_count), 0) as orders,
        coalesce(sum(net_revenue), 0) as revenue,
    from {{ days }}

)

select
    ours.customers as our_customers,
    theirs.customers as their_customers,
    ours.orders as our_orders,
    theirs.orders as their_orders,
    ours.revenue as our_revenue,
    theirs.revenue as their_revenue,
from ours
cross join theirs
where
    ours.customers <> theirs.customers
    or ours.orders <> theirs.orders
    or ours.revenue <> theirs.revenue
{%- endif %}
{% endtest %}
