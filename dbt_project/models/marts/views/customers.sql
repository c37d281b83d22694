with log_customers as (

    select * from {{ ref('int_customers') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

batches as (

    select * from {{ ref('champion_batches') }}

),

newest as (

    select
        batches.cutoff,
        batches.model_id,
        batches.pred_months,
        batches.window_end,
        {{ history_start('batches.cutoff', 'batches.history_months') }}
            as history_start,
    from {{ champion_batch() }} as champion
    inner join batches
        on
            champion.cutoff = batches.cutoff
            and champion.model_id = batches.model_id

),

batch_before as (

    select
        batches.cutoff,
        batches.model_id,
    from batches
    inner join newest
        on
            batches.pred_months = newest.pred_months
            and batches.cutoff < newest.cutoff
    order by batches.cutoff desc
    limit 1

),

revenue_since_cutoff as (

    select
        customer_days.customer_id,
        sum(customer_days.net_revenue) as net_revenue,
    from customer_days
    inner join newest
        on customer_days.activity_date > newest.cutoff
    group by customer_days.customer_id

),

predictions as (

    select ranked.*
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join newest
        on
            ranked.cutoff = newest.cutoff
            and ranked.model_id = newest.model_id

),

tiers_before as (

    select
        ranked.customer_id,
        ranked.value_tier,
        ranked.value_tier_rank,
    from {{ ref('clv_ranked_predictions') }} as ranked
    inner join batch_before
        on
            ranked.cutoff = batch_before.cutoff
            and ranked.model_id = batch_before.model_id

),

-- a number of a tier says nothing about movement once the tiers were cut in another way
tiers_of_both as (

    select
        value_tier,
        value_tier_rank,
        'now' as batch,
    from predictions

    union

    select
        value_tier,
        value_tier_rank,
        'before' as batch,
    from tiers_before

),

different_tiers as (

    select
        value_tier,
        value_tier_rank,
    from tiers_of_both
    group by
        value_tier,
        value_tier_rank
    having count(*) = 1

),

comparison as (

    select count(*) = 0 as has_same_tiers,
    from different_tiers

),

clusters as (

    select
        assigned.customer_id,
        assigned.cluster_name,
    from {{ ref('clv_clusters') }} as assigned
    inner join newest
        on
            assigned.cutoff = newest.cutoff
            and assigned.model_id = newest.model_id

),

strongest_drivers as (

    select
        drivers.customer_id,
        drivers.driver_text,
    from {{ ref('clv_drivers') }} as drivers
    inner join newest
        on
            drivers.cutoff = newest.cutoff
            and drivers.model_id = newest.model_id
    where drivers.driver_rank = 1

),

joined as (

    select
        log_customers.customer_id,
        log_customers.first_order_date,
        log_customers.last_order_date,
        log_customers.order_count,
        log_customers.purchase_day_count,
        log_customers.net_revenue,
        newest.cutoff,
        newest.model_id,
        newest.window_end,
        newest.history_start,
        coalesce(revenue_since_cutoff.net_revenue, 0) as revenue_since_cutoff,
        predictions.customer_id is not null as is_scored,
        predictions.predicted_clv,
        predictions.predicted_clv_low,
        predictions.predicted_clv_high,
        predictions.probability_of_purchase,
        predictions.value_tier,
        predictions.value_tier_rank,
        batch_before.cutoff as cutoff_before,
        tiers_before.value_tier as value_tier_before,
        tiers_before.value_tier_rank as value_tier_rank_before,
        comparison.has_same_tiers,
        clusters.cluster_name,
        strongest_drivers.driver_text,
    from log_customers
    left join newest on true
    left join batch_before on true
    cross join comparison
    left join revenue_since_cutoff
        on log_customers.customer_id = revenue_since_cutoff.customer_id
    left join predictions
        on log_customers.customer_id = predictions.customer_id
    left join tiers_before
        on log_customers.customer_id = tiers_before.customer_id
    left join clusters
        on log_customers.customer_id = clusters.customer_id
    left join strongest_drivers
        on log_customers.customer_id = strongest_drivers.customer_id

)

select
    customer_id,
    first_order_date,
    last_order_date,
    order_count as orders,
    -- a load with other decimals of money comes before the next build of this view
    cast(net_revenue as {{ money_type() }}) as revenue,
    case
        when purchase_day_count > 1
            then
                date_diff('day', first_order_date, last_order_date)
                / (purchase_day_count - 1)
    end as days_between_orders,
    predicted_clv,
    predicted_clv_low,
    predicted_clv_high,
    probability_of_purchase,
    case
        when probability_of_purchase > 0
            then predicted_clv / probability_of_purchase
    end as predicted_clv_if_bought,
    cast(revenue_since_cutoff as {{ money_type() }}) as revenue_since_cutoff,
    cast(net_revenue - revenue_since_cutoff as double) + predicted_clv as total_value,
    value_tier,
    value_tier_rank,
    value_tier_before,
    case
        when cutoff_before is null then null
        when not is_scored and value_tier_before is not null then 'lapsed'
        when not is_scored then null
        when value_tier_before is null and first_order_date > cutoff_before then 'new'
        when value_tier_before is null then 'returned'
        when has_same_tiers
            then {{ tier_movement('value_tier_rank_before', 'value_tier_rank') }}
    end as tier_change,
    cluster_name,
    driver_text as strongest_driver,
    {{ return_risk('probability_of_purchase') }} as risk,
    {{ next_order_date(
        'cutoff', 'window_end', 'last_order_date', 'probability_of_purchase'
    ) }} as next_order_date,
    case
        when is_scored then null
        when cutoff is null then 'no batch is scored yet'
        when first_order_date is null then 'no order with a positive amount'
        when first_order_date > cutoff then 'first order after the cutoff'
        when last_order_date > cutoff or last_order_date < history_start
            then 'no order in the history window'
        else 'orders were delivered after the scoring'
    end as why_no_prediction,
    cutoff,
    window_end,
    model_id,
from joined
