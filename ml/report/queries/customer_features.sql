-- one row a feature: what a customer was like at a cutoff, beside the middle of all
with figures as (

    select
        customer_id,
        unnest(
            [
                struct_pack(feature := 'recency_days', value := recency_days),
                struct_pack(
                    feature := 'customer_age_days', value := customer_age_days
                ),
                struct_pack(feature := 'order_count', value := order_count),
                struct_pack(
                    feature := 'purchase_day_count', value := purchase_day_count
                ),
                struct_pack(feature := 'net_revenue', value := net_revenue),
                struct_pack(feature := 'mean_order_value', value := mean_order_value),
                struct_pack(feature := 'returned_revenue', value := returned_revenue)
            ]
        ) as figure,
    from marts.customer_rfm
    where cutoff = $cutoff

),

known as (

    select
        figures.customer_id,
        figures.figure.feature,
        cast(figures.figure.value as double) as value,
    from figures
    where figures.figure.value is not null

)

select
    feature,
    max(value) filter (where customer_id = $customer_id) as value,
    median(value) as batch_median,
from known
group by feature
having count(*) filter (where customer_id = $customer_id) > 0
