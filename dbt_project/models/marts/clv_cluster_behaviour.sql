{{ config(pre_hook="{{ delete_batch() }}") }}

{#- what names of clusters speak of: cluster_vocabulary.py has the words -#}
{%- set behaviours = [
    'recency_days',
    'customer_age_days',
    'tenure_days',
    'purchase_day_count',
    'mean_order_value',
    'returned_revenue_share',
    'mean_product_count',
    'max_day_revenue_share',
] %}

with champion as (

    select * from {{ ref('int_scoring_models') }}
    where role = 'champion'

),

features as (

    select * from {{ ref('int_customer_features') }}

),

clusters as (

    select * from {{ ref('clv_clusters') }}
    where {{ in_champion_batch() }}

),

-- the row without a cluster is all customers together
medians as (

    select
        clusters.cluster_id,
        {%- for behaviour in behaviours %}
            cast(median(features.{{ behaviour }}) as double) as {{ behaviour }},
        {%- endfor %}
    from features
    inner join champion
        on
            features.cutoff = champion.cutoff
            and features.history_months = champion.history_months
            and features.pred_months = champion.pred_months
    inner join clusters
        on features.customer_id = clusters.customer_id
    group by grouping sets ((clusters.cluster_id), ())

),

figures as (

    select
        cluster_id,
        unnest(
            [
                {%- for behaviour in behaviours %}
                    struct_pack(
                        behaviour := '{{ behaviour }}',
                        median_value := {{ behaviour }}
                    ){{ ',' if not loop.last }}
                {%- endfor %}
            ]
        ) as figure,
    from medians

),

of_clusters as (

    select distinct
        cutoff,
        model_id,
        cluster_id,
        cluster_name,
    from clusters

)

select
    of_clusters.cluster_id,
    of_clusters.cutoff,
    of_clusters.model_id,
    of_clusters.cluster_name,
    mine.figure.behaviour,
    mine.figure.median_value as cluster_median,
    overall.figure.median_value as overall_median,
from of_clusters
inner join figures as mine
    on of_clusters.cluster_id = mine.cluster_id
inner join figures as overall
    on
        mine.figure.behaviour = overall.figure.behaviour
        and overall.cluster_id is null
