{{ config(pre_hook="{{ delete_batch() }}") }}

with clusters as (

    select * from {{ ref('behaviour_clusters') }}

),

windows as (

    select * from {{ ref('int_observation_windows') }}

)

select
    clusters.customer_id,
    windows.cutoff,
    windows.model_id,
    cast(clusters.cluster_id as integer) as cluster_id,
    clusters.cluster_name,
    windows.pred_months,
from clusters
inner join windows
    on clusters.cutoff = windows.cutoff
