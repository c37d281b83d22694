{#
    The period that a window is compared with. It is the same days a year before, if the
    log covers them. If not, it is the months just before the window, if the log covers
    those. If not, there is none. Returns the rows of `windows` (window_start,
    window_end, pred_months) with compared_with, compared_start and compared_end.
    first_day: SQL expression, the first day of the log.
#}
{% macro comparison_periods(windows, first_day) -%}
select
    *,
    case
        when cast(window_start - to_months(12) as date) >= {{ first_day }}
            then 'a year before'
        when cast(window_start - to_months(pred_months) as date) >= {{ first_day }}
            then 'the months before'
    end as compared_with,
    case
        when cast(window_start - to_months(12) as date) >= {{ first_day }}
            then cast(window_start - to_months(12) as date)
        when cast(window_start - to_months(pred_months) as date) >= {{ first_day }}
            then cast(window_start - to_months(pred_months) as date)
    end as compared_start,
    case
        when cast(window_start - to_months(12) as date) >= {{ first_day }}
            then cast(window_end + 1 - to_months(12) as date) - 1
        when cast(window_start - to_months(pred_months) as date) >= {{ first_day }}
            then window_start - 1
    end as compared_end,
from {{ windows }}
{%- endmacro %}
