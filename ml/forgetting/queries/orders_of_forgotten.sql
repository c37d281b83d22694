-- orders that the first of their customers leaves with, among those of $customers and
-- $orders of files; a refund is of the first customer of its order
with orders as (

    select
        order_id,
        min(customer_id) as customer_id,
    from raw.transactions
    where
        parent_order_id is null
        and delivered is null
        and order_id is not null
    group by order_id

),

named as (

    select unnest(cast($orders as varchar[])) as order_id

)

select order_id from orders
where customer_id in (select unnest(cast($customers as varchar[])))
union
select named.order_id
from named
anti join orders
    on named.order_id = orders.order_id
