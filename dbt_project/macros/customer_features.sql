{#
    Features of every customer with a purchase in the history window, for many
    observation windows at once: one row per (cutoff, history_months, pred_months,
    customer_id). Reads no day outside [history_start, window_start), except for
    first_order_date and customer_age_days: these two are of the whole log. People read
    them, models do not.

    observation_windows: cutoff, history_months, pred_months, history_start,
        window_start (the day after the cutoff).
    customer_days: customer_id, activity_date, order_count, line_count, product_count,
        gross_revenue, max_order_value, return_count, returned_revenue, net_revenue;
        one row per customer and local day with activity.

    A sum of DOUBLE depends on the order in which rows arrive. So every sum is over
    integers or DECIMAL, and becomes DOUBLE only once, after the sum.

    No window function runs over windows x days. Gaps between purchases are measured
    once for the whole log. A gap counts for a window when both its ends are inside.

    A sum over the last n months is NULL when the history window is shorter than n
    months. It is never the sum of fewer months.

    sampled: the windows have a customer_share, and only that share of the customers is
        read (sample_customers.sql).
#}
{% macro customer_features(observation_windows, customer_days, sampled=false) %}
{%- set trailing_months = [1, 2, 3, 6, 9, 12] -%}
{%- set half_lives = [30, 90, 270] -%}
{%- set money = money_type() -%}
{#- the square of what is smaller, summed over 10,000 days, fits into DECIMAL(38) -#}
{%- set largest_squared = '1' ~ '0' * (16 - money_decimals()) -%}
with first_orders as (

    -- not cut at a cutoff: whoever bought in a history window bought first before its end
    select
        customer_id,
        min(activity_date) as first_order_date,
    from {{ customer_days }}
    where order_count > 0
    group by customer_id

),

observation_windows as (

    select
        cutoff,
        history_months,
        pred_months,
        history_start,
        window_start,
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
        line_count,
        product_count,
        gross_revenue,
        max_order_value,
        return_count,
        returned_revenue,
        net_revenue,
    from {{ customer_days }}
    -- days that no window reads are left out: a gap counts only with both ends inside
    where
        activity_date >= (select min(history_start) from observation_windows)
        and activity_date < (select max(window_start) from observation_windows)

),

-- features do not depend on pred_months: windows that differ only there are read once
history_windows as (

    select distinct
        cutoff,
        history_months,
        history_start,
        window_start,
        {%- if sampled %}
        customer_share,
        {%- endif %}
        {%- for month in range(1, 13) %}
        cast(
            window_start - interval '{{ month }}' month as date
        ) as start_{{ month }}_months,
        {%- endfor %}
    from observation_windows

),

customer_purchase_days as (

    select
        *,
        lag(activity_date) over (
            partition by customer_id
            order by activity_date
        ) as previous_purchase_date,
    from customer_days
    where order_count > 0

),

-- a day with returns only has no gap, because it is not a purchase
days_with_gaps as (

    select *
    from customer_purchase_days

    union all

    select
        *,
        cast(null as date) as previous_purchase_date,
    from customer_days
    where order_count <= 0

),

window_days as (

    select
        windows.*,
        days.*,
        case when days.order_count > 0 then days.activity_date end as purchase_date,
        case
            when days.previous_purchase_date >= windows.history_start
                then date_diff('day', days.previous_purchase_date, days.activity_date)
        end as gap_days,
        {%- for half_life in half_lives %}
        -- weights are whole numbers (10000 = 1), so that weighted sums are exact
        cast(
            round(
                10000 * power(
                    0.5,
                    date_diff('day', days.activity_date, windows.cutoff) / {{ half_life }}.0
                )
            ) as integer
        ) as weight_{{ half_life }},
        {%- endfor %}
        -- 1 = the last month of the window; 13 = every month before the twelfth
        1
        {%- for month in range(1, 13) %}
        + cast(days.activity_date < windows.start_{{ month }}_months as integer)
        {%- endfor %} as month_back,
    from days_with_gaps as days
    inner join history_windows as windows
        on
            days.activity_date >= windows.history_start
            and days.activity_date < windows.window_start
            {%- if sampled %}
            and {{ is_in_sample('days.customer_id', 'windows.customer_share') }}
            {%- endif %}

),

customer_sums as (

    select
        cutoff,
        history_months,
        window_start,
        customer_id,
        min(purchase_date) as first_purchase_date,
        max(purchase_date) as last_purchase_date,
        count(purchase_date) as purchase_day_count,
        sum(order_count) as order_count,
        sum(line_count) as line_count,
        sum(product_count) as product_count,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(return_count) as return_count,
        max(max_order_value) as max_order_value,
        max(gross_revenue) as max_day_revenue,
        -- a square has twice the digits: where they would not fit, the last six are left
        -- out of the revenue, and DECIMAL keeps the sum free of the order of its rows
        sum(
            case
                when gross_revenue < {{ largest_squared }}
                    then cast(gross_revenue as {{ money }}) * gross_revenue
            end
        ) as squared_revenue,
        sum(
            case
                when gross_revenue >= {{ largest_squared }}
                    then
                        cast(gross_revenue / 1000000 as {{ money }})
                        * cast(gross_revenue / 1000000 as {{ money }})
            end
        ) as squared_large_revenue,
        max(gap_days) as max_gap_days,
        sum(gap_days * gap_days) as squared_gap_days,
        max_by(gap_days, purchase_date) as last_gap_days,
        max_by(gross_revenue, purchase_date) as last_day_revenue,
        min_by(gross_revenue, purchase_date) as first_day_revenue,
        max_by(line_count, purchase_date) as last_line_count,
        {%- for half_life in half_lives %}
        sum(cast(net_revenue as {{ money }}) * weight_{{ half_life }}) as weighted_revenue_{{ half_life }},
        sum(order_count * weight_{{ half_life }}) as weighted_orders_{{ half_life }},
        {%- endfor %}
        {%- for month in range(1, 13) %}
        coalesce(
            sum(net_revenue) filter (where month_back = {{ month }}), 0
        ) as net_revenue_in_month_{{ month }},
        count(purchase_date) filter (
            where month_back = {{ month }}
        ) as purchase_days_in_month_{{ month }},
        {%- endfor %}
        {%- for month in [3, 6, 12] %}
        coalesce(
            sum(returned_revenue) filter (where month_back <= {{ month }}), 0
        ) as returned_revenue_{{ month }},
        coalesce(
            sum(line_count) filter (where month_back <= {{ month }}), 0
        ) as line_count_{{ month }},
        {%- endfor %}
    from window_days
    group by
        cutoff,
        history_months,
        window_start,
        customer_id
    having count(purchase_date) > 0

),

customer_spans as (

    select
        *,
        date_diff('day', first_purchase_date, last_purchase_date) as first_to_last_days,
        date_diff('day', last_purchase_date, cutoff) as recency_days,
        {%- for month in range(1, 13) %}
        net_revenue_in_month_1
        {%- for step in range(2, month + 1) %} + net_revenue_in_month_{{ step }}{% endfor %}
            as net_revenue_{{ month }},
        {%- endfor %}
        {%- for month in trailing_months %}
        purchase_days_in_month_1
        {%- for step in range(2, month + 1) %} + purchase_days_in_month_{{ step }}{% endfor %}
            as purchase_days_{{ month }},
        {%- endfor %}
    from customer_sums

),

customer_measures as (

    select
        cutoff,
        history_months,
        window_start,
        customer_id,
        cast(purchase_day_count as integer) as purchase_day_count,
        cast(purchase_day_count - 1 as integer) as repeat_purchase_days,
        cast(first_to_last_days as integer) as first_to_last_days,
        cast(date_diff('day', first_purchase_date, cutoff) as integer) as tenure_days,
        cast(recency_days as integer) as recency_days,
        cast(order_count as integer) as order_count,
        cast(line_count as integer) as line_count,
        cast(product_count as integer) as product_count,
        cast(gross_revenue as double) as gross_revenue,
        cast(net_revenue as double) as net_revenue,
        cast(returned_revenue as double) as returned_revenue,
        cast(return_count as integer) as return_count,
        cast(gross_revenue as double) / order_count as mean_order_value,
        cast(gross_revenue as double) / purchase_day_count as mean_day_revenue,
        cast(max_order_value as double) as max_order_value,
        sqrt(
            greatest(
                case
                    when gross_revenue < {{ largest_squared }}
                        then cast(
                            squared_revenue * purchase_day_count
                            - gross_revenue * gross_revenue as double
                        )
                    else
                        (
                            coalesce(cast(squared_revenue as double), 0)
                            + coalesce(1e12 * cast(squared_large_revenue as double), 0)
                        ) * purchase_day_count
                        - cast(gross_revenue as double) * cast(gross_revenue as double)
                end,
                0
            )
        ) / purchase_day_count as day_revenue_sd,
        cast(last_day_revenue as double) as last_day_revenue,
        cast(first_day_revenue as double) as first_day_revenue,
        cast(max_day_revenue as double) / cast(gross_revenue as double)
            as max_day_revenue_share,
        cast(last_line_count as integer) as last_line_count,
        cast(line_count as double) / order_count as mean_line_count,
        cast(product_count as double) / purchase_day_count as mean_product_count,
        cast(returned_revenue as double) / cast(gross_revenue as double)
            as returned_revenue_share,
        cast(max_gap_days as integer) as max_gap_days,
        cast(last_gap_days as integer) as last_gap_days,
        cast(first_to_last_days as double)
            / nullif(purchase_day_count - 1, 0) as mean_gap_days,
        -- uses: the sum of all gaps is the days from the first to the last purchase
        sqrt(
            cast(
                greatest(
                    squared_gap_days * (purchase_day_count - 1)
                    - first_to_last_days * first_to_last_days,
                    0
                ) as double
            )
        ) / nullif(purchase_day_count - 1, 0) as gap_days_sd,
        cast(recency_days * (purchase_day_count - 1) as double)
            / nullif(first_to_last_days, 0) as recency_to_gap_ratio,
        {%- for half_life in half_lives %}
        cast(weighted_revenue_{{ half_life }} as double) / 10000
            as net_revenue_half_life_{{ half_life }}_days,
        cast(weighted_orders_{{ half_life }} as double) / 10000
            as order_count_half_life_{{ half_life }}_days,
        {%- endfor %}
        {%- for month in trailing_months %}
        case
            when history_months >= {{ month }} then cast(net_revenue_{{ month }} as double)
        end as net_revenue_{{ month }}_months,
        case
            when history_months >= {{ month }} then cast(purchase_days_{{ month }} as integer)
        end as purchase_days_{{ month }}_months,
        {%- endfor %}
        {%- for month in [3, 6, 12] %}
        case
            when history_months >= {{ month }}
                then cast(returned_revenue_{{ month }} as double)
        end as returned_revenue_{{ month }}_months,
        case
            when history_months >= {{ month }} then cast(line_count_{{ month }} as integer)
        end as line_count_{{ month }}_months,
        {%- endfor %}
        {%- for month in [3, 6, 12] %}
        case
            when history_months >= {{ month }}
                then cast(purchase_days_in_month_1 > 0 as integer)
                {%- for step in range(2, month + 1) %}
                + cast(purchase_days_in_month_{{ step }} > 0 as integer)
                {%- endfor %}
        end as active_months_{{ month }}_months,
        {%- endfor %}
        {%- for month in [3, 6] %}
        -- these months minus the same number of months before them
        case
            when history_months >= {{ 2 * month }}
                then cast(2 * net_revenue_{{ month }} - net_revenue_{{ 2 * month }} as double)
        end as net_revenue_change_{{ month }}_months,
        {%- endfor %}
        {%- for month in range(1, 13) %}
        net_revenue_{{ month }},
        {%- endfor %}
    from customer_spans

)

select
    windows.cutoff,
    windows.history_months,
    windows.pred_months,
    measures.* exclude (
        cutoff,
        history_months,
        window_start,
        {%- for month in range(1, 13) %}
        net_revenue_{{ month }},
        {%- endfor %}
    ),
    -- the same months as the label window, one year earlier
    case
        when windows.history_months < 12 or windows.pred_months > 12 then null
        {%- for month in range(1, 12) %}
        when windows.pred_months = {{ month }}
            then cast(net_revenue_12 - net_revenue_{{ 12 - month }} as double)
        {%- endfor %}
        else cast(net_revenue_12 as double)
    end as net_revenue_same_season,
    first_orders.first_order_date,
    cast(
        date_diff('day', first_orders.first_order_date, windows.cutoff) as integer
    ) as customer_age_days,
from customer_measures as measures
inner join first_orders
    on measures.customer_id = first_orders.customer_id
inner join observation_windows as windows
    on
        measures.cutoff = windows.cutoff
        and measures.history_months = windows.history_months
{% endmacro %}
