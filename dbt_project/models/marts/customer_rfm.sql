{{ config(pre_hook="{{ delete_cutoff() }}", partition_by=['cutoff']) }}

with features as (

    select * from {{ ref('int_customer_features') }}

),

champion as (

    select * from {{ ref('int_scoring_models') }}
    where role = 'champion'

)

select
    features.customer_id,
    features.cutoff,
    features.history_months,
    features.recency_days,
    features.tenure_days,
    features.first_order_date,
    features.customer_age_days,
    features.order_count,
    features.purchase_day_count,
    cast(features.gross_revenue as {{ money_type() }}) as gross_revenue,
    cast(features.returned_revenue as {{ money_type() }}) as returned_revenue,
    cast(features.net_revenue as {{ money_type() }}) as net_revenue,
    features.mean_order_value,
from features
inner join champion
    on
        features.cutoff = champion.cutoff
        and features.history_months = champion.history_months
        and features.pred_months = champion.pred_months
