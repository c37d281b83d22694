{#
    The drift rule. A window is a breach when RMSE grew too much or R2 fell too much,
    compared with the baseline of the model that made the prediction. For example, with
    a threshold of 0.20 and a baseline of 10, an RMSE above 12 is a breach. All
    arguments are SQL expressions. When a figure is not known, the answer is NULL: a
    threshold that cannot be compared with anything was neither passed nor kept.
#}
{% macro rmse_breached(rmse, baseline_rmse, threshold) -%}
{{ known(rmse) }} > {{ known(baseline_rmse) }} * (1 + {{ threshold }})
{%- endmacro %}


{#
    If the baseline is above 0, the threshold is a share of it. A share of a baseline of
    0 or less has no meaning, so there the threshold is the fall itself: with 0.15 and a
    baseline of 0, an R2 below -0.15 is a breach.
#}
{% macro r2_breached(r2, baseline_r2, threshold) -%}
case
    when {{ known(baseline_r2) }} > 0
        then {{ known(r2) }} < {{ baseline_r2 }} * (1 - {{ threshold }})
    else {{ known(r2) }} < {{ known(baseline_r2) }} - {{ threshold }}
end
{%- endmacro %}


{# Change of R2 as in r2_breached(): relative to a baseline above 0, else absolute. #}
{% macro r2_change(r2, baseline_r2) -%}
case
    when {{ baseline_r2 }} > 0 then {{ r2 }} / {{ baseline_r2 }} - 1
    else {{ r2 }} - {{ baseline_r2 }}
end
{%- endmacro %}


{# A figure, NULL where it is NaN: NaN is above every number and passes each limit. #}
{% macro known(figure) -%}
nullif({{ figure }}, cast('nan' as double))
{%- endmacro %}


{#
    Whether any of the conditions is true. Unlike `or`, it is false when none is true and
    one at least is known to be false, and NULL only when nothing is known.
#}
{% macro any_of(conditions) -%}
case
    when {{ conditions | join(' or ') }} then true
    when coalesce({{ conditions | join(', ') }}) is not null then false
end
{%- endmacro %}


{#
    How many buyers must be expected before a window without revenue says anything. With
    three, nobody comes in fewer than one window in twenty, even if the model is right.
#}
{% macro least_expected_buyers() -%}
3
{%- endmacro %}


{# A window of fewer customers is too small to judge its error from. #}
{% macro least_customers() -%}
20
{%- endmacro %}


{#
    Where the actual total lies in the published 80 % interval of the total: 0 in the
    middle, -1 and 1 at the ends, beyond them outside. Distances are logarithmic where
    the interval is above 0. It is NULL when the total cannot be judged: there is no
    interval, or nothing came and too few buyers were expected for that to say anything.
#}
{% macro total_place(actual, low, high, expected_buyers) -%}
case
    when {{ known(low) }} is null or {{ known(high) }} is null then null
    when {{ actual }} <= 0 and {{ expected_buyers }} < {{ least_expected_buyers() }}
        then null
    when {{ actual }} <= 0 and {{ low }} > 0 then -9
    when {{ high }} <= {{ low }}
        then case
            when {{ actual }} < {{ low }} then -9
            when {{ actual }} > {{ high }} then 9
            else 0
        end
    when {{ low }} > 0
        then ln({{ actual }} / sqrt({{ low }} * {{ high }})) * 2 / ln({{ high }} / {{ low }})
    else (2 * {{ actual }} - {{ low }} - {{ high }}) / ({{ high }} - {{ low }})
end
{%- endmacro %}


{#
    How far out a total is drift by itself: the 99 % interval is so much wider than the
    80 % one (normal quantiles, 2.576 / 1.282).
#}
{% macro far_outside() -%}
2.010
{%- endmacro %}


{#
    Whether a total is outside for the second time running by more than chance. Two
    windows without a common day are chance in one pair of fifty, so outside twice is
    enough. The more days they share, the more they are the same news: then both must be
    further out, up to the 98 % interval (2.326 / 1.282) for the same days.
#}
{% macro outside_again(place, previous_place, shared_days_share) -%}
{{ place }} * {{ previous_place }} > 0
and abs({{ place }}) > 1 + 0.815 * {{ shared_days_share }}
and abs({{ previous_place }}) > 1 + 0.815 * {{ shared_days_share }}
{%- endmacro %}


{#
    How many standard errors a segment may be away from the rest. In simulations of
    shops that do not change, one batch in 60 is above it.
#}
{% macro segment_z_threshold() -%}
4.5
{%- endmacro %}


{#
    Whether a segment drifted alone. It did when it is that far away from the rest, up
    or down. It is NULL, cannot be told, unless
    - there is a rest, and either of both brought something,
    - it has at least 200 customers, which is enough to tell,
    - it has a fifth of the batch, which is enough to matter,
    - its usual level is known, because a model may always have been wrong on a segment.

    A batch has about twelve such segments. The threshold holds for all of them.
#}
{% macro segment_drifted(
    z_against_rest, customers, batch_customers, usual_window_count
) -%}
case
    when
        {{ customers }} >= 200
        and 5 * {{ customers }} >= {{ batch_customers }}
        and {{ usual_window_count }} > 0
        then abs({{ known(z_against_rest) }}) > {{ segment_z_threshold() }}
end
{%- endmacro %}


{#
    The verdict on a matured window:
    - sustained drift: drift, and also drift in the matured window before.
    - drift: a change is more than chance. Error or lead is worse (its interval excludes
      no change), the total is far outside its interval or outside again, nothing came
      although buyers were expected, or a segment drifted alone. All are called
      significant.
    - breach: a threshold was passed, or the total is outside its interval, but that can
      be chance.
    - cannot be told: nothing of that is true, but too little is known to say so.
    - ok: error and total were judged, and nothing of that is true.
#}
{% macro drift_verdict(
    outside, breached, significant, previous_significant, is_judged
) -%}
case
    when {{ significant }} and {{ previous_significant }} then 'sustained drift'
    when {{ significant }} then 'drift'
    when {{ breached }} or {{ outside }} then 'breach'
    when {{ is_judged }} then 'ok'
    else 'cannot be told'
end
{%- endmacro %}


{# Whether enough is known of a window to call it ok: its total, and its accuracy. #}
{% macro is_judged(total_is_inside, customers, error_is_worse, breached) -%}
{{ total_is_inside }} is not null
and {{ customers }} >= {{ least_customers() }}
and ({{ error_is_worse }} is not null or {{ breached }} is not null)
{%- endmacro %}


{#
    The verdict in words: all that counts against the window, or what cannot be told.
    `window` is a relation with the verdict and what it was decided from.
#}
{% macro drift_reason(window) -%}
{%- set mark = window ~ '.currency_mark' -%}
concat_ws(
    '; ',
    case
        when {{ window }}.nothing_came
            then
                'nothing came of '
                || {{ money_in_words(window ~ '.predicted_total', mark) }}
                || ' expected'
        when not {{ window }}.total_is_inside
            then printf(
                '%s came, %s the 80 %% interval of the total (%s to %s)%s',
                {{ money_in_words(window ~ '.actual_total', mark) }},
                case
                    when {{ window }}.total_is_far_outside and {{ window }}.total_place < 0
                        then 'far below'
                    when {{ window }}.total_is_far_outside then 'far above'
                    when {{ window }}.total_place < 0 then 'below'
                    else 'above'
                end,
                {{ money_in_words(window ~ '.predicted_total_low', mark) }},
                {{ money_in_words(window ~ '.predicted_total_high', mark) }},
                case
                    when {{ window }}.total_is_outside_twice
                        then ', as in the window before'
                    else ''
                end
            )
    end,
    case when {{ window }}.error_is_worse then 'the error grew by more than chance' end,
    case
        when {{ window }}.lead_is_lost
            then 'the lead over the simple forecasts fell by more than chance'
    end,
    case
        when {{ window }}.segment_has_drifted
            then {{ window }}.segment_kind || ' ' || {{ window }}.segment || ' left the rest'
    end,
    case when {{ window }}.rmse_is_breached then 'RMSE passed its threshold' end,
    case when {{ window }}.r2_is_breached then 'R2 passed its threshold' end,
    case
        when {{ window }}.verdict <> 'ok' then null
        when {{ window }}.error_is_worse is null
            then 'the total is inside its interval, and no threshold was passed'
        else 'the total is inside its interval, and the error is as at training'
    end,
    case
        when
            {{ window }}.verdict <> 'cannot be told'
            or {{ window }}.total_is_inside is not null
            then null
        when
            {{ known(window ~ '.predicted_total_low') }} is null
            or {{ known(window ~ '.predicted_total_high') }} is null
            then 'the total has no interval to judge it by'
        else printf(
            '%.1f buyers were expected, too few to judge the total',
            {{ window }}.expected_buyers
        )
    end,
    case
        when {{ window }}.verdict <> 'cannot be told' then null
        when {{ window }}.customers < {{ least_customers() }}
            then printf(
                '%.0f customer(s), too few to judge the error',
                cast({{ window }}.customers as double)
            )
        when {{ window }}.error_is_worse is null and {{ window }}.breached is null
            then 'the model has no record to compare the error with'
    end
)
{%- endmacro %}


{# Whether a verdict asks for attention. What cannot be told does not, nor is it ok. #}
{% macro is_alerting(verdict) -%}
{{ verdict }} in ('breach', 'drift', 'sustained drift')
{%- endmacro %}
