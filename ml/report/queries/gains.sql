-- share of a window's revenue that the first customers brought, in so many steps: in
-- the order of the predictions, and in the order of what they brought
with customers as (

    select
        actual_clv,
        row_number() over (
            order by predicted_clv desc, customer_id
        ) as predicted_place,
        row_number() over (order by actual_clv desc, customer_id) as best_place,
        count(*) over () as customers,
    from marts.clv_predictions_actual
    where
        cutoff = $cutoff
        and model_id = $model_id
        and revision = $revision

),

places as (

    select
        actual_clv,
        customers,
        'predicted' as ordered_by,
        predicted_place as place,
    from customers

    union all

    select
        actual_clv,
        customers,
        'best' as ordered_by,
        best_place as place,
    from customers

),

sums as (

    select
        ceil(place * $steps / customers) as step,
        sum(actual_clv) filter (where ordered_by = 'predicted') as predicted_order,
        sum(actual_clv) filter (where ordered_by = 'best') as best_order,
    from places
    group by step

),

steps as (

    select unnest(range(1, $steps + 1)) as step

),

total as (

    select sum(actual_clv) as revenue
    from customers

)

-- with fewer customers than steps some steps hold none
select
    steps.step / $steps as share,
    cast(
        coalesce(sum(sums.predicted_order) over reached, 0) / total.revenue as double
    ) as predicted_order,
    cast(
        coalesce(sum(sums.best_order) over reached, 0) / total.revenue as double
    ) as best_order,
from steps
left join sums
    on steps.step = sums.step
cross join total
window reached as (order by steps.step)
order by steps.step
