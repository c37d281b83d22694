{# Fails when a log reaches another day than the one in the table. #}
{{ config(tags=['macro']) }}

{#-
    Each log has days 0, step, 2 x step, … up to `until`, with `rows` customer days each,
    and then more days (day, customer days). Days count from 2019-01-01.
-#}
{%- set logs = [
    ('no day behind a gap', 1, 699, 3, [], 699),
    ('a wrong year', 1, 699, 3, [(1000, 1)], 699),
    ('five days of a wrong year', 1, 699, 3, [(900, 1), (930, 1), (990, 2), (1055, 1)], 699),
    ('a whole day of a wrong year', 1, 699, 3, [(1000, 3)], 699),
    ('a day a month behind', 1, 699, 3, [(730, 1)], 730),
    ('open again for a day', 1, 699, 3, [(800, 3)], 699),
    ('open again for a week', 1, 699, 3, [(800, 6), (802, 6), (804, 6), (806, 6)], 806),
    ('open again with many', 1, 699, 3, [(800, 30)], 800),
    ('one in a hundred', 1, 98, 1, [(300, 1)], 300),
    ('sold once a year', 365, 3650, 50, [(4015, 1)], 4015),
    ('closed in winter', 1, 200, 3, [(380, 3), (381, 3), (580, 3), (780, 1)], 780),
    ('a month without sales', 30, 6000, 1, [(6090, 1)], 6090),
    ('one day', 1, 0, 5, [], 0),
] %}

with found as (

    {% for name, step, until, rows, more, expected in logs %}
        select
            '{{ name }}' as log_name,
            date_diff('day', date '2019-01-01', reach.newest_date) as newest_day,
            {{ expected }} as expected,
            reach.first_lone_date is not null as has_lone_day,
            {{ more | map('last') | sum }} as rows_at_the_end,
            reach.lone_row_count,
        from (
            {% set days %}
            (
                select
                    cast(date '2019-01-01' + cast(counted.day_number as integer) as date)
                        as activity_date,
                    {{ rows }} as row_count,
                from (
                    select unnest(generate_series(0, {{ until }}, {{ step }})) as day_number
                ) as counted
                {%- for day, count in more %}
                union all
                select
                    cast(date '2019-01-01' + {{ day }} as date) as activity_date,
                    {{ count }} as row_count
                {%- endfor %}
            )
            {% endset %}
            {{ lone_last_day(days) }}
        ) as reach
        {{ 'union all' if not loop.last }}
    {% endfor %}

)

select log_name as failure
from found
where
    newest_day <> expected
    or has_lone_day <> (lone_row_count > 0)
    or (has_lone_day and lone_row_count <> rows_at_the_end)

union all

select 'a log without days' as failure
from (
    {{ lone_last_day(
        "(select date '2019-01-01' as activity_date, 1 as row_count where false)"
    ) }}
) as reach
where reach.newest_date is not null or reach.lone_row_count <> 0
