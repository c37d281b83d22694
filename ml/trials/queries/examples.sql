-- rows of int_training_examples of one training, from features that were computed once
select
    features.*,
    windows.months_back,
    windows.observed_months,
    case
        when windows.is_label_known then cast(actuals.actual_clv as double)
    end as actual_clv,
    case
        when windows.is_label_known then actuals.actual_order_count
    end as actual_order_count,
from features
inner join intermediate.int_training_windows as windows
    on
        features.cutoff = windows.cutoff
        and features.history_months = windows.history_months
        and features.pred_months = windows.pred_months
inner join actuals
    on
        features.cutoff = actuals.cutoff
        and features.history_months = actuals.history_months
        and features.pred_months = actuals.pred_months
        and features.customer_id = actuals.customer_id
where
    windows.training_cutoff = $training_cutoff
    and windows.history_months = $history_months
    and windows.pred_months = $pred_months
order by
    features.cutoff,
    features.customer_id
