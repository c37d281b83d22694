{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
    )
}}

{#- kind of segment, key it has in every batch, name it has in its own; a segment that
    comes to hold other customers gets another key, because windows are compared by it -#}
{%- set digits = 2 if money_decimals() <= 4 else money_decimals() -%}
{%- set segment_kinds = [
    ('value tier', 'value_tier', 'value_tier'),
    ('cluster', 'cluster_name', 'cluster_name'),
    (
        'tenure band',
        tenure_band('customer_age_days'),
        tenure_band('customer_age_days'),
    ),
    (
        'tenure half',
        "case when customer_age_days <= age_edge then 'newer' else 'older' end",
        "'first order ' || " ~ half('customer_age_days', 'age_edge', 0, ' days ago'),
    ),
    (
        'order-value band',
        quarter_number('mean_order_value', 'value_edges'),
        quarter('mean_order_value', 'value_edges', digits, 'currency_mark'),
    ),
    (
        'order-value half',
        "case when mean_order_value <= value_edges[2] then '1' else '2' end",
        half('mean_order_value', 'value_edges[2]', digits, mark='currency_mark'),
    ),
    (
        'prediction decile',
        "printf('%02d', prediction_decile)",
        "printf('%02d', prediction_decile)",
    ),
] %}

with windows as (

    select
        customer_id,
        cutoff,
        model_id,
        revision,
        predicted_clv,
        cast(actual_clv as double) as actual_clv,
    from {{ ref('clv_predictions_actual') }}
    {% if is_incremental() %}
        where {{ is_not_in_this_yet() }}
    {% endif %}

),

tiers as (

    select * from {{ ref('clv_ranked_predictions') }}

),

clusters as (

    select * from {{ ref('clv_clusters') }}

),

currency as (

    select * from {{ ref('stg_currency') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

totals as (

    select
        cutoff,
        model_id,
        {{ exact_sum('predicted_clv') }} / count(*) as mean_predicted,
    from windows
    group by
        cutoff,
        model_id

),

-- the best customers carry most of the error: none of them decides alone
customers as (

    select
        windows.*,
        tiers.value_tier,
        clusters.cluster_name,
        rfm.customer_age_days,
        rfm.mean_order_value,
        ntile(10) over (
            partition by windows.cutoff, windows.model_id
            order by windows.predicted_clv desc, windows.customer_id
        ) as prediction_decile,
        1 / sqrt(
            greatest(windows.predicted_clv, 0)
            + totals.mean_predicted
            + 1e-{{ money_decimals() + 2 }}
        ) as weight,
    from windows
    inner join totals
        on
            windows.cutoff = totals.cutoff
            and windows.model_id = totals.model_id
    left join tiers
        on
            windows.cutoff = tiers.cutoff
            and windows.model_id = tiers.model_id
            and windows.customer_id = tiers.customer_id
    left join clusters
        on
            windows.cutoff = clusters.cutoff
            and windows.model_id = clusters.model_id
            and windows.customer_id = clusters.customer_id
    left join rfm
        on
            windows.cutoff = rfm.cutoff
            and windows.customer_id = rfm.customer_id

),

edges as (

    select
        cutoff,
        model_id,
        quantile_cont(customer_age_days, 0.5) as age_edge,
        quantile_cont(mean_order_value, [0.25, 0.5, 0.75]) as value_edges,
    from customers
    group by
        cutoff,
        model_id

),

-- every customer once in each kind; the name is NULL where the batch has no such kind
segmented as (

    select
        customers.*,
        unnest(
            [
                {%- for kind, key, name in segment_kinds %}
                    struct_pack(
                        segment_kind := '{{ kind }}',
                        segment_key := {{ key }},
                        segment := {{ name }}
                    ){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as kind,
    from customers
    inner join edges
        on
            customers.cutoff = edges.cutoff
            and customers.model_id = edges.model_id
    cross join currency

),

segments as (

    select
        segmented.cutoff,
        segmented.model_id,
        segmented.revision,
        segmented.kind.segment_kind,
        segmented.kind.segment_key,
        segmented.kind.segment,
        segmented.predicted_clv,
        segmented.actual_clv,
        segmented.weight,
    from segmented

)

select
    cutoff,
    model_id,
    revision,
    segment_kind,
    segment_key,
    segment,
    count(*) as customers,
    {{ exact_sum('predicted_clv') }} as predicted_total,
    {{ exact_sum('actual_clv') }} as actual_total,
    {{ exact_sum('abs(actual_clv - predicted_clv)') }} as absolute_error,
    {{ exact_sum('power(actual_clv - predicted_clv, 2)') }} as squared_error,
    {{ exact_sum('weight * actual_clv') }} as weighted_actual,
    {{ exact_sum('weight * predicted_clv') }} as weighted_predicted,
    {{ exact_sum('power(weight * actual_clv, 2)') }} as actual_2,
    {{ exact_sum('power(weight, 2) * actual_clv * predicted_clv') }}
        as actual_predicted,
    {{ exact_sum('power(weight * predicted_clv, 2)') }} as predicted_2,
from segments
where segment is not null
group by all
