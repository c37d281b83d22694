with scoring_models as (

    select * from {{ ref('int_scoring_models') }}

)

-- champion and challenger may read the same window: its features are computed once
select distinct
    cutoff,
    history_months,
    pred_months,
    history_start,
    window_start,
    window_end,
from scoring_models
