-- every month from the customer's first to the newest of the log, quiet ones too; a
-- customer who bought on a lone last day has months up to that day
with days as (

    select
        cast(date_trunc('month', activity_date) as date) as month,
        order_count,
        net_revenue,
    from intermediate.int_customer_days
    where customer_id = $customer_id

),

months as (

    select
        cast(
            unnest(
                generate_series(
                    (select min(month) from days),
                    greatest(
                        cast($newest_day as date), (select max(month) from days)
                    ),
                    interval 1 month
                )
            ) as date
        ) as month

)

select
    strftime(months.month, '%Y-%m') as month,
    cast(coalesce(sum(days.order_count), 0) as bigint) as order_count,
    cast(coalesce(sum(days.net_revenue), 0) as double) as net_revenue,
from months
left join days
    on months.month = days.month
group by months.month
order by months.month
