{#
    The drift rule. A window is a breach when RMSE grew too much or R2 fell too much,
    compared with the baseline of the model that made the prediction. For example, with
    a threshold of 0.20 and a baseline of 10, an RMSE above 12 is a breach. All
    arguments are SQL expressions. When a figure is NULL, there is no breach.
#}
{% macro rmse_breached(rmse, baseline_rmse, threshold) -%}
coalesce({{ rmse }} > {{ baseline_rmse }} * (1 + {{ threshold }}), false)
{%- endmacro %}


{#
    If the baseline is above 0, the threshold is a share of it. A share of a baseline of
    0 or less has no meaning, so there the threshold is the fall itself: with 0.15 and a
    baseline of 0, an R2 below -0.15 is a breach.
#}
{% macro r2_breached(r2, baseline_r2, threshold) -%}
coalesce(
    case
        when {{ baseline_r2 }} > 0
            then {{ r2 }} < {{ baseline_r2 }} * (1 - {{ threshold }})
        else {{ r2 }} < {{ baseline_r2 }} - {{ threshold }}
    end,
    false
)
{%- endmacro %}


{# Change of R2 as in r2_breached(): relative to a baseline above 0, else absolute. #}
{% macro r2_change(r2, baseline_r2) -%}
case
    when {{ baseline_r2 }} > 0 then {{ r2 }} / {{ baseline_r2 }} - 1
    else {{ r2 }} - {{ baseline_r2 }}
end
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
    or down, and
    - it has at least 200 customers, which is enough to tell,
    - it has a fifth of the batch, which is enough to matter,
    - its usual level is known, because a model may always have been wrong on a segment.

    A batch has about twelve such segments. The threshold holds for all of them.
#}
{% macro segment_drifted(
    z_against_rest, customers, batch_customers, usual_window_count
) -%}
coalesce(
    abs({{ z_against_rest }}) > {{ segment_z_threshold() }}
    and {{ customers }} >= 200
    and 5 * {{ customers }} >= {{ batch_customers }}
    and {{ usual_window_count }} > 0,
    false
)
{%- endmacro %}


{#
    The verdict on a matured window:
    - ok: no threshold was passed.
    - breach: a threshold was passed, but that can be chance.
    - drift: the change is more than chance (its interval excludes no change), or a
      segment drifted alone. Both are called significant.
    - sustained drift: drift, and also drift in the matured window before.
#}
{% macro drift_verdict(breached, significant, previous_significant) -%}
case
    when {{ significant }} and coalesce({{ previous_significant }}, false)
        then 'sustained drift'
    when {{ significant }} then 'drift'
    when {{ breached }} then 'breach'
    else 'ok'
end
{%- endmacro %}
