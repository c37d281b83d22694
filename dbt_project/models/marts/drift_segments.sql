{{ config(tags=['monitor']) }}

-- depends_on: {{ ref('drift_measurements') }}
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
        where (cutoff, model_id, revision) not in (
            select distinct (cutoff, model_id, revision) from {{ this }}
        )
    {% endif %}

),

tiers as (

    select * from {{ ref('clv_ranked_predictions') }}

),

clusters as (

    select * from {{ ref('clv_clusters') }}

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
        rfm.tenure_days,
        rfm.mean_order_value,
        ntile(10) over (
            partition by windows.cutoff, windows.model_id
            order by windows.predicted_clv desc, windows.customer_id
        ) as prediction_decile,
        1 / sqrt(
            greatest(windows.predicted_clv, 0) + totals.mean_predicted + 0.000001
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
        quantile_cont(tenure_days, 0.5) as tenure_edge,
        quantile_cont(mean_order_value, [0.25, 0.5, 0.75]) as value_edges,
    from customers
    group by
        cutoff,
        model_id

),

-- every customer once in each kind, NULL where the batch does not know the kind
segmented as (

    select
        customers.*,
        unnest(
            [
                {'kind': 'value tier', 'name': value_tier},
                {'kind': 'cluster', 'name': cluster_name},
                {'kind': 'tenure band', 'name': {{ tenure_band('tenure_days') }}},
                {
                    'kind': 'tenure half',
                    'name': {{ half('tenure_days', 'tenure_edge', "'%.0f days'") }}
                },
                {
                    'kind': 'order-value band',
                    'name': {{ quarter('mean_order_value', 'value_edges') }}
                },
                {
                    'kind': 'order-value half',
                    'name': {{ half('mean_order_value', 'value_edges[2]', "'%.2f'") }}
                },
                {
                    'kind': 'prediction decile',
                    'name': printf('%02d', prediction_decile)
                }
            ]
        ) as segment,
    from customers
    inner join edges
        on
            customers.cutoff = edges.cutoff
            and customers.model_id = edges.model_id

),

segments as (

    select
        cutoff,
        model_id,
        revision,
        segment.kind as segment_kind,
        segment.name as segment,
        count(*) as customers,
        {{ exact_sum('predicted_clv') }} as predicted_total,
        {{ exact_sum('actual_clv') }} as actual_total,
        {{ exact_sum('abs(actual_clv - predicted_clv)') }} as absolute_error,
        {{ exact_sum('power(actual_clv - predicted_clv, 2)') }} as squared_error,
        {{ exact_sum('weight * actual_clv') }} as a,
        {{ exact_sum('weight * predicted_clv') }} as p,
        {{ exact_sum('power(weight * actual_clv, 2)') }} as aa,
        {{ exact_sum('power(weight, 2) * actual_clv * predicted_clv') }} as ap,
        {{ exact_sum('power(weight * predicted_clv, 2)') }} as pp,
    from segmented
    where segment.name is not null
    group by all

),

-- the rest of the customers: of the same kind, all other segments together
beside_the_rest as (

    select
        *,
        {% for moment in ['customers', 'a', 'p', 'aa', 'ap', 'pp'] -%}
        sum({{ moment }}) over (
            partition by cutoff, model_id, segment_kind
            order by segment rows between unbounded preceding and unbounded following
        ) - {{ moment }} as rest_{{ moment }},
        {% endfor -%}
        sum(squared_error) over (
            partition by cutoff, model_id, segment_kind
            order by segment rows between unbounded preceding and unbounded following
        ) as batch_squared_error,
        {{ weighted_level('a', 'p') }} as level,
        case
            when rest_customers > 0 then {{ weighted_level('rest_a', 'rest_p') }}
        end as rest_level,
    from segments

),

-- two levels differ by a tenth without any drift, however many customers there are
compared as (

    select
        *,
        ln(level / rest_level) as level_against_rest,
        ln(level / rest_level) / sqrt(
            0.01
            + {{ level_variance('level', 'p', 'aa', 'ap', 'pp') }}
            + {{ level_variance('rest_level', 'rest_p', 'rest_aa', 'rest_ap', 'rest_pp') }}
        ) as z_against_rest,
    from beside_the_rest

)

select
    cutoff,
    model_id,
    revision,
    segment_kind,
    segment,
    customers,
    predicted_total,
    actual_total,
    actual_total / nullif(predicted_total, 0) as actual_to_predicted,
    absolute_error / customers as mae,
    sqrt(squared_error / customers) as rmse,
    coalesce(squared_error / nullif(batch_squared_error, 0), 0) as squared_error_share,
    coalesce((actual_total - predicted_total) / nullif(sqrt(squared_error), 0), 0) as z_score,
    level_against_rest,
    z_against_rest,
    -- of two halves the one that fell behind: money that stays away is the likelier cause
    case
        when segment_kind <> 'prediction decile'
            then cast(
                row_number() over (
                    partition by cutoff, model_id, segment_kind = 'prediction decile'
                    order by
                        case
                            when z_against_rest < 0 then -1.25 * z_against_rest
                            else coalesce(z_against_rest, 0)
                        end desc,
                        segment_kind,
                        segment
                ) as integer
            )
    end as segment_rank,
from compared
