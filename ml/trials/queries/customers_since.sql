-- customers with a purchase on the days first_day..last_day
select distinct customer_id
from intermediate.int_customer_days
where
    order_count > 0
    and activity_date between $first_day and $last_day
