-- whose refund a line is that names its order: file_id, file_row, and the customer of
-- the order; of an order whose lines are all refused there is none
create or replace temporary table parent_orders as
with named_orders as (

    select distinct parent_order_id from raw.transactions
    where parent_order_id is not null

),

parents as (

    select
        transactions.order_id,
        min(transactions.customer_id) as customer_id,
    from raw.transactions
    inner join named_orders
        on transactions.order_id = named_orders.parent_order_id
    where
        transactions.parent_order_id is null
        -- a line that is refused has its texts here
        and transactions.delivered is null
    group by transactions.order_id

)

select
    refunds.file_id,
    refunds.file_row,
    parents.customer_id,
from raw.transactions as refunds
left join parents
    on refunds.parent_order_id = parents.order_id
where
    refunds.parent_order_id is not null
    and refunds.customer_id is distinct from parents.customer_id
