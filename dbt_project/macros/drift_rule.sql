{#
    The drift rule, over numbers: an error grew too much, or the explained share fell too
    much, against the baseline of the model that made the prediction. All arguments are
    SQL expressions; a missing figure breaches nothing.
#}
{% macro rmse_breached(rmse, baseline_rmse, threshold) -%}
coalesce({{ rmse }} > {{ baseline_rmse }} * (1 + {{ threshold }}), false)
{%- endmacro %}


{#
    Relative to a baseline above zero. A share of a baseline at or below zero says
    nothing, so there R2 may fall by the threshold itself.
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


{# Change of R2 in the terms of r2_breached(): relative above zero, else absolute. #}
{% macro r2_change(r2, baseline_r2) -%}
case
    when {{ baseline_r2 }} > 0 then {{ r2 }} / {{ baseline_r2 }} - 1
    else {{ r2 }} - {{ baseline_r2 }}
end
{%- endmacro %}


{#
    Standard errors a segment may be off the rest; by simulation one stable batch in 60
    passes.
#}
{% macro segment_z_threshold() -%}
4.5
{%- endmacro %}


{#
    A segment drifted alone: it is that far from the rest, in either direction, and large
    enough to tell (200 customers) and to matter (a fifth of the batch), and its usual level
    is known: a model may have been off on a segment ever since its training. A batch has
    about twelve such segments; the threshold holds for all of them together.
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
    ok: nothing passed; breach: a threshold passed, but within noise; drift: the interval
    of a change excludes no change, or a segment drifted alone (significant); sustained
    drift: so did the matured window before.
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
