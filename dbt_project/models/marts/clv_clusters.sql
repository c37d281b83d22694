{{ config(pre_hook="{{ delete_batch() }}") }}

with clusters as (

    select * from {{ ref('behaviour_clusters') }}

),

models as (

    select * from {{ ref('int_scoring_models') }}

)

select
    clusters.customer_id,
    models.cutoff,
    models.model_id,
    cast(clusters.cluster_id as integer) as cluster_id,
    clusters.cluster_name,
    models.pred_months,
from clusters
inner join models
    on
        clusters.cutoff = models.cutoff
        and clusters.model_id = models.model_id
