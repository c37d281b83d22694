{#
    What the customers of each observation window really brought in its label window:
    one row per (cutoff, history_months, pred_months, customer_id) of the customers
    with a purchase in the history window, the population of customer_features().
    actual_clv is net revenue on the days window_start..window_end (returns count on
    the day they happen, so it may be negative), 0 without activity. Whether the
    window has matured is the caller's question: rows of an unfinished window carry
    what happened so far. sampled: as in customer_features().
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

-- one pass: a day belongs to a window's history, to its label window, or to neither
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
        ) as decimal(18, 4)
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
