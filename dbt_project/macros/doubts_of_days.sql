{#
    Hardly any line beyond a gap that is far longer than all others: after the usual days
    (is_last), or before them.
#}
{% macro lone_days_doubt(is_last) -%}
select
            null as file_id,
            sum(days.line_count) / min(whole_log.line_count) as rows_share,
            sum(days.money) / nullif(min(whole_log.money), 0) as money_share,
            {%- if is_last %}
            cast(max(days.activity_date) as varchar) as example,
            format(
                '{} from {} on, {:,} days after the day before: the year or the month '
                || 'may be wrong',
                {{ lines_in_words('sum(days.line_count)') }},
                min(days.activity_date), min(days.activity_date) - min(whole_log.last_date)
            ) as words,
            {%- else %}
            cast(min(days.activity_date) as varchar) as example,
            format(
                '{} up to {}, {:,} days before the next day: the year or the month may be '
                || 'wrong',
                {{ lines_in_words('sum(days.line_count)') }},
                max(days.activity_date), min(whole_log.first_date) - max(days.activity_date)
            ) as words,
            {%- endif %}
            'correct the date in the file, or take the line out and load again' as remedy,
        from days
        cross join lone_days
        cross join whole_log
        where
            {%- if is_last %}
            days.activity_date >= lone_days.last_from
            {%- else %}
            days.activity_date <= lone_days.first_to
            {%- endif %}
        having count(*) > 0
{%- endmacro %}


{#
    Months without any line inside a log of many lines a month. A month that is empty in
    every year, of two or more, is the season of the shop.
#}
{% macro missing_months_doubt() -%}
select
            null as file_id,
            null as rows_share,
            null as money_share,
            strftime(min(month_start), '%Y-%m') as example,
            format(
                'no line in {} of {} months: {}',
                count(*), min(month_count),
                string_agg(
                    strftime(month_start, '%Y-%m'), ', ' order by month_start
                ) filter (where missing_rank <= 6)
            )
            || case when count(*) > 6 then ', …' else '' end as words,
            'look for the file of that month and deliver it' as remedy,
        from (
            select
                *,
                row_number() over (order by month_start) as missing_rank,
            from (
                select
                    months.month_start,
                    coalesce(sold.line_count, 0) as line_count,
                    count(*) over () as month_count,
                    sum(sold.line_count) over () / count(*) over () as lines_a_month,
                    sum(sold.line_count) over same_month is null
                    and count(*) over same_month > 1 as is_season,
                from (
                    select
                        unnest(
                            generate_series(
                                date_trunc('month', first_date),
                                date_trunc('month', last_date),
                                interval 1 month
                            )
                        ) as month_start,
                    from whole_log
                    where first_date is not null
                ) as months
                left join (
                    select
                        date_trunc('month', activity_date) as month_start,
                        sum(line_count) as line_count,
                    from usual_days
                    group by all
                ) as sold
                    on months.month_start = sold.month_start
                window same_month as (partition by month(months.month_start))
            ) as months
            where
                line_count = 0
                and not is_season
                and lines_a_month >= {{ doubt_limit('lines_a_month') }}
        ) as missing
        having count(*) > 0
{%- endmacro %}


{#
    A day with ten times the lines of the same weekdays around it (eight weeks before and
    after). Days that come again and again, such as the first of a month, are the rule.
#}
{% macro busy_day_doubt() -%}
select
            null as file_id,
            max(line_count) / min(all_lines) as rows_share,
            arg_max(money, (line_count, activity_date))
            / nullif(min(all_money), 0) as money_share,
            cast(arg_max(activity_date, (line_count, activity_date)) as varchar) as example,
            format(
                '{:,} lines on {}, where {:,} are usual',
                max(line_count), arg_max(activity_date, (line_count, activity_date)),
                cast(arg_max(usual_lines, (line_count, activity_date)) as bigint)
            )
            || case
                when count(*) > 1 then format('; {} such days in all', count(*)) else ''
            end as words,
            'see whether files of other days or a whole import have that date' as remedy,
        from (
            select
                days.activity_date,
                days.line_count,
                days.money,
                median(around.line_count) as usual_lines,
            from usual_days as days
            inner join usual_days as around
                on
                    around.activity_date between days.activity_date - 56
                    and days.activity_date + 56
                    and dayofweek(around.activity_date) = dayofweek(days.activity_date)
                    and around.activity_date <> days.activity_date
            where days.line_count >= {{ doubt_limit('busy_day_lines') }}
            group by all
            having
                count(*) >= 4
                and days.line_count
                >= {{ doubt_limit('busy_day_times_usual') }} * median(around.line_count)
        ) as busy
        cross join (
            select
                line_count as all_lines,
                money as all_money,
                day_count as all_days,
            from whole_log
        ) as whole
        having
            count(*) <= greatest(
                {{ doubt_limit('busy_days') }},
                {{ doubt_limit('busy_days_share') }} * min(all_days)
            )
            and max(line_count) >= {{ doubt_limit('busy_day_line_share') }} * min(all_lines)
{%- endmacro %}
