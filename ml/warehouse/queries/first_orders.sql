-- customer_rfm of an earlier version gets when each customer first ordered in the whole
-- log, as the macro customer_features does it
alter table marts.customer_rfm add column first_order_date date;
alter table marts.customer_rfm add column customer_age_days integer;

update marts.customer_rfm
set
    first_order_date = first_orders.first_order_date,
    customer_age_days = date_diff(
        'day', first_orders.first_order_date, customer_rfm.cutoff
    )
from (
    select
        customer_id,
        min(activity_date) as first_order_date,
    from intermediate.int_customer_days
    where order_count > 0
    group by customer_id
) as first_orders
where customer_rfm.customer_id = first_orders.customer_id;
