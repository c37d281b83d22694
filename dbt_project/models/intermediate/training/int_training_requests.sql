with requests as (

    select * from {{ source('raw', 'training_requests') }}

),

model_config as (

    select * from {{ ref('stg_model_config') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

-- backtest and tune write requests; without one, the config asks for one training
asked as (

    select * from requests

    union all

    select
        {{ cutoff_date() }} as training_cutoff,
        history_months,
        pred_months,
    from model_config
    where not exists (select 1 from requests)

)

select
    asked.training_cutoff,
    cast(asked.history_months as integer) as history_months,
    cast(asked.pred_months as integer) as pred_months,
    (select min(activity_date) from customer_days) as first_day,
from asked
