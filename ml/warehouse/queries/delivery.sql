-- one row: lines of current files, lines that two files hold, customers and first day
select
    (
        select cast(coalesce(sum(row_count), 0) as bigint) from raw.files
        where is_current
    ) as kept,
    (select count(*) from staging.stg_repeated_deliveries) as repeated,
    count(distinct customer_id) as customers,
    min(activity_date) as first_day,
from intermediate.int_customer_days
