{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
        tags=['monitor', 'verdicts'],
    )
}}

with windows as (

    select
        cutoff,
        model_id,
        revision,
        probability_of_purchase,
        case when actual_order_count > 0 then 1 else 0 end as has_bought,
    from {{ ref('clv_predictions_actual') }}
    {% if is_incremental() %}
        where {{ is_not_in_this_yet() }}
    {% endif %}

),

batches as (

    select * from {{ ref('clv_batches') }}

),

buyers as (

    select
        cutoff,
        model_id,
        revision,
        {{ exact_sum('probability_of_purchase') }} as expected_buyers,
        cast(sum(has_bought) as bigint) as actual_buyers,
        {{ exact_sum('power(probability_of_purchase - has_bought, 2)') }}
        / count(*) as brier_score,
    from windows
    group by
        cutoff,
        model_id,
        revision

)

-- the batch may be scored again later: the interval stays the one that was judged
select
    buyers.cutoff,
    buyers.model_id,
    buyers.revision,
    buyers.expected_buyers,
    buyers.actual_buyers,
    buyers.brier_score,
    batches.predicted_total_low,
    batches.predicted_total_high,
from buyers
inner join batches
    on
        buyers.cutoff = batches.cutoff
        and buyers.model_id = batches.model_id
