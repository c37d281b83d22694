{% set built = built_before('int_customer_days') %}

with files as (

    select * from {{ source('raw', 'files') }}
    {% if built %}
        where load_id > (select coalesce(max(load_id), 0) from {{ built }})
    {% endif %}

),

-- days of the files that were loaded since the last build
changed_days as (

    select
        min(first_day) as first_day,
        max(last_day) as last_day,
    from files

),

day_lines as (

    select
        cast(transactions.ordered_at as date) as activity_date,
        count(*) as line_count,
    from {{ source('raw', 'transactions') }} as transactions
    inner join changed_days
        on {{ falls_on(
            'transactions.ordered_at', 'changed_days.first_day', 'changed_days.last_day'
        ) }}
    group by activity_date

),

numbered_days as (

    select
        activity_date,
        cast(
            sum(line_count) over (order by activity_date)
            // {{ lines_of_a_part() }} as integer
        ) as part,
    from day_lines

)

select
    part,
    min(activity_date) as first_day,
    max(activity_date) as last_day,
from numbered_days
group by part
