-- one row: lines of current files, lines that two files hold, customers and days
select
    (
        select cast(coalesce(sum(row_count), 0) as bigint) from raw.files
        where is_current
    ) as kept,
    (select count(*) from staging.stg_repeated_deliveries) as repeated,
    count(distinct customer_id) as customers,
    min(activity_date) as first_day,
    max(activity_date) as newest_day,
from intermediate.int_customer_days
