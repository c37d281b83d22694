-- marts with another number of customers in a batch than clv_batches says
with batches as (

    select
        cutoff,
        model_id,
        role = 'champion' as is_of_champion,
        customers,
    from marts.clv_batches

),

described as (

    select
        cutoff,
        count(*) as customers,
    from marts.customer_rfm
    group by cutoff

),

counts as (

    select
        'clv_predictions' as mart,
        cutoff,
        model_id,
        count(*) as customers,
    from marts.clv_predictions
    group by all

    union all

    select
        'clv_ranked_predictions' as mart,
        cutoff,
        model_id,
        count(*) as customers,
    from marts.clv_ranked_predictions
    group by all

    union all

    select
        'clv_clusters' as mart,
        cutoff,
        model_id,
        count(*) as customers,
    from marts.clv_clusters
    group by all

    union all

    select
        'clv_cluster_ranking' as mart,
        cutoff,
        model_id,
        sum(customers) as customers,
    from marts.clv_cluster_ranking
    group by all

    union all

    select
        'clv_drivers' as mart,
        cutoff,
        model_id,
        count(distinct customer_id) as customers,
    from marts.clv_drivers
    group by all

    union all

    -- of two champions that scored a cutoff, it describes the customers of one
    select
        'customer_rfm' as mart,
        batches.cutoff,
        batches.model_id,
        case
            when
                bool_or(described.customers = batches.customers) over (
                    partition by batches.cutoff
                )
                then batches.customers
            else described.customers
        end as customers,
    from batches
    inner join described
        on batches.cutoff = described.cutoff
    where batches.is_of_champion

),

-- a mart without any row counts too
names (mart) as (

    values
    ('clv_predictions'),
    ('clv_ranked_predictions'),
    ('clv_clusters'),
    ('clv_cluster_ranking'),
    ('clv_drivers'),
    ('customer_rfm')

),

expected as (

    select
        batches.cutoff,
        batches.model_id,
        names.mart,
        batches.customers,
    from batches
    cross join names
    where
        batches.is_of_champion
        or names.mart in ('clv_predictions', 'clv_ranked_predictions')

)

select
    coalesce(expected.cutoff, counts.cutoff) as cutoff,
    coalesce(expected.model_id, counts.model_id) as model_id,
    coalesce(expected.mart, counts.mart) as mart,
    coalesce(counts.customers, 0) as customers,
    expected.customers as customers_of_batch,
from expected
full outer join counts
    on
        expected.cutoff = counts.cutoff
        and expected.model_id = counts.model_id
        and expected.mart = counts.mart
where
    expected.customers is distinct from counts.customers
    -- a challenger has marts that only a champion's batch must have
    and (
        expected.mart is not null
        or counts.cutoff not in (select cutoff from batches)
    )
order by
    cutoff,
    model_id,
    mart
