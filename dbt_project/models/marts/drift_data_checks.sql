{{ config(incremental_strategy='append', tags=['monitor']) }}

{%- set checks = {
    'active_days': 'days.active_days',
    'customers': 'days.customers',
    'orders': 'days.orders',
    'order_lines': 'days.order_lines',
    'net_revenue': 'days.net_revenue',
    'returned_orders': 'days.returned_orders',
    'return_rate': 'days.returned_revenue / nullif(days.gross_revenue, 0)',
    'rejected_rows': 'rejected.rejected_rows',
    'new_products': 'new_products.new_products',
} %}

with drift_report as (

    select * from {{ ref('drift_report') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

transactions as (

    select * from {{ ref('stg_transactions') }}

),

rejected_transactions as (

    select * from {{ ref('stg_rejected_transactions') }}

),

log_days as (

    select min(activity_date) as first_date
    from customer_days

),

-- only windows with an alert are compared, so the log is not read for the others
alerting_windows as (

    select
        cutoff,
        model_id,
        revision,
        pred_months,
        window_start,
        window_end,
    from drift_report
    where
        role = 'champion'
        and {{ is_alerting('verdict') }}
        {% if is_incremental() %}
            and {{ is_not_in_this_yet() }}
        {% endif %}

),

windows as (

    {{ comparison_periods('alerting_windows', '(select first_date from log_days)') }}

),

periods as (

    select
        *,
        'now' as period,
        window_start as first_date,
        window_end as last_date,
    from windows

    union all

    select
        *,
        'before' as period,
        compared_start as first_date,
        compared_end as last_date,
    from windows
    where compared_start is not null

),

days as (

    select
        periods.cutoff,
        periods.model_id,
        periods.revision,
        periods.period,
        cast(count(distinct days.activity_date) as double) as active_days,
        cast(count(distinct days.customer_id) as double) as customers,
        cast(sum(days.order_count) as double) as orders,
        cast(sum(days.line_count) as double) as order_lines,
        cast(sum(days.net_revenue) as double) as net_revenue,
        cast(sum(days.return_count) as double) as returned_orders,
        cast(sum(days.returned_revenue) as double) as returned_revenue,
        cast(sum(days.gross_revenue) as double) as gross_revenue,
    from periods
    inner join customer_days as days
        on days.activity_date between periods.first_date and periods.last_date
    group by all

),

rejected_days as (

    select
        cast(ordered_at as date) as order_date,
        count(*) as row_count,
    from rejected_transactions
    where exists (select 1 from windows)
    group by order_date

),

rejected as (

    select
        periods.cutoff,
        periods.model_id,
        periods.revision,
        periods.period,
        cast(coalesce(sum(days.row_count), 0) as double) as rejected_rows,
    from periods
    left join rejected_days as days
        on days.order_date between periods.first_date and periods.last_date
    group by all

),

first_sales as (

    select
        product_id,
        min(order_date) as first_date,
    from transactions
    where
        product_id is not null
        and exists (select 1 from windows)
    group by product_id

),

known_products as (

    select count(*) as product_count
    from first_sales

),

-- at the start of a log every product is new, so its first 90 days are left out
new_products as (

    select
        periods.cutoff,
        periods.model_id,
        periods.revision,
        periods.period,
        cast(count(first_sales.product_id) as double) as new_products,
    from periods
    left join first_sales
        on first_sales.first_date between periods.first_date and periods.last_date
    cross join known_products
    where
        known_products.product_count > 0
        and periods.first_date >= (select first_date + 90 from log_days)
    group by all

),

counted as (

    select
        periods.cutoff,
        periods.model_id,
        periods.revision,
        periods.period,
        unnest(
            [
                {%- for check_name, value in checks.items() %}
                    struct_pack(
                        check_name := '{{ check_name }}',
                        value := {{ value }}
                    ){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as counted_check,
    from periods
    left join days
        on
            periods.cutoff = days.cutoff
            and periods.model_id = days.model_id
            and periods.revision = days.revision
            and periods.period = days.period
    left join rejected
        on
            periods.cutoff = rejected.cutoff
            and periods.model_id = rejected.model_id
            and periods.revision = rejected.revision
            and periods.period = rejected.period
    left join new_products
        on
            periods.cutoff = new_products.cutoff
            and periods.model_id = new_products.model_id
            and periods.revision = new_products.revision
            and periods.period = new_products.period

),

-- one row with both periods
checks as (

    select
        counted.cutoff,
        counted.model_id,
        counted.revision,
        counted.counted_check.check_name,
        max(counted.counted_check.value) filter (
            where counted.period = 'now'
        ) as value,
        max(counted.counted_check.value) filter (
            where counted.period = 'before'
        ) as value_before,
    from counted
    group by
        counted.cutoff,
        counted.model_id,
        counted.revision,
        counted.counted_check.check_name

)

select
    windows.cutoff,
    windows.model_id,
    windows.revision,
    checks.check_name,
    checks.value,
    checks.value_before,
    checks.value / nullif(checks.value_before, 0) - 1 as change,
    windows.compared_with,
    windows.compared_start,
    windows.compared_end,
from windows
inner join checks
    on
        windows.cutoff = checks.cutoff
        and windows.model_id = checks.model_id
        and windows.revision = checks.revision
