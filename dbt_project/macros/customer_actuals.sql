{#
    What the customers of each observation window really spent in its label window: one
    row per (cutoff, history_months, pred_months, customer_id). The customers are those
    with a purchase in the history window, as in customer_features().

    actual_clv is net revenue on the days window_start..window_end. It is 0 without
    activity. Returns count on the day they happen, so it may be negative.

    The macro does not ask whether a window has matured. Rows of an unfinished window
    hold what happened so far; the caller has to decide. sampled: as in
    customer_features().
#}
{% macro customer_actuals(observation_windows, customer_days, sampled=false) %}
with observation_windows as (

    select
        cutoff,
        history_months,
        pred_months,
        history_start,
        window_start,
        window_end,
        {%- if sampled %}
        customer_share,
        {%- endif %}
    from {{ observation_windows }}

),

customer_days as (

    select
        customer_id,
        activity_date,
        order_count,
        net_revenue,
    from {{ customer_days }}

)

-- days are read once: a day is in a window's history, in its label window, or in none
select
    windows.cutoff,
    windows.history_months,
    windows.pred_months,
    days.customer_id,
    cast(
        coalesce(
            sum(days.net_revenue) filter (
                where days.activity_date >= windows.window_start
            ),
            0
        ) as {{ money_type() }}
    ) as actual_clv,
    cast(
        coalesce(
            sum(days.order_count) filter (
                where days.activity_date >= windows.window_start
            ),
            0
        ) as integer
    ) as actual_order_count,
from customer_days as days
inner join observation_windows as windows
    on
        days.activity_date >= windows.history_start
        and days.activity_date <= windows.window_end
        {%- if sampled %}
        and {{ is_in_sample('days.customer_id', 'windows.customer_share') }}
        {%- endif %}
group by
    windows.cutoff,
    windows.history_months,
    windows.pred_months,
    days.customer_id
having
    sum(days.order_count) filter (where days.activity_date < windows.window_start) > 0
{% endmacro %}
