{#
    How far the data reaches: one row with the last day that is not lone. Most lone days
    are a date with a wrong year. If they moved the calendar, batches would be scored
    that are not due, and windows would be measured that have not passed.

    The last days of the log are lone if
    1. the gap before them is longer than a month, and than three times the longest gap
       before it: a shop that sells once a year, or that closes each winter, has such
       gaps; and
    2. they have fewer than one in a hundred of all customer days, and fewer than a
       usual week has, so far (or fewer than five). A shop that opens again after a
       pause has more than that soon, and then its days count.

    days: activity_date and row_count (customers with activity on the day), one row per
        day.
    Returns newest_date, and of the lone days first_lone_date, last_date and
    lone_row_count. They are NULL, the last day of the log, and 0 if no day is lone.
    newest_date is NULL if there are no days.
#}
{% macro lone_last_day(days) -%}
with days as (

    select
        activity_date,
        row_count,
        lag(activity_date) over (order by activity_date) as previous_date,
        min(activity_date) over () as first_date,
        sum(row_count) over () as all_rows,
        sum(row_count) over (order by activity_date) - row_count as rows_before,
    from {{ days }}

),

gaps as (

    select
        *,
        date_diff('day', previous_date, activity_date) as gap_days,
        all_rows - rows_before as rows_left,
        7.0 * rows_before / (date_diff('day', first_date, previous_date) + 1)
            as rows_of_a_week,
    from days

),

compared as (

    select
        *,
        coalesce(
            max(gap_days) over (
                order by activity_date
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as longest_gap_before,
    from gaps

),

lone as (

    select min(activity_date) as first_lone_date
    from compared
    where
        gap_days > greatest(31, 3 * longest_gap_before)
        and 100 * rows_left < all_rows
        and rows_left < greatest(5, rows_of_a_week)

)

select
    max(days.activity_date) filter (
        where lone.first_lone_date is null or days.activity_date < lone.first_lone_date
    ) as newest_date,
    min(lone.first_lone_date) as first_lone_date,
    max(days.activity_date) as last_date,
    cast(
        coalesce(
            sum(days.row_count) filter (
                where days.activity_date >= lone.first_lone_date
            ),
            0
        ) as bigint
    ) as lone_row_count,
from days
cross join lone
{%- endmacro %}
