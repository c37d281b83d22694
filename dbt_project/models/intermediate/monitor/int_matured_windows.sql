{{
    config(
        materialized='incremental',
        full_refresh=false,
        incremental_strategy='append',
    )
}}

with matured_batches as (

    select * from {{ ref('batch_windows') }}
    where has_matured

),

day_fingerprints as (

    select * from {{ ref('int_day_fingerprints') }}

),

-- the fingerprint changes with the days of the label window (a late row) and with the
-- predicted total (a batch that is scored again)
fingerprints as (

    select
        batches.cutoff,
        batches.model_id,
        md5(
            concat_ws(
                '|',
                cast(batches.predicted_total as {{ money_type() }}),
                coalesce(
                    string_agg(
                        concat_ws(
                            ' ', days.activity_date, days.row_count, days.row_hash_sum
                        ),
                        ',' order by days.activity_date
                    ),
                    ''
                )
            )
        ) as actuals_fingerprint,
    from matured_batches as batches
    left join day_fingerprints as days
        on days.activity_date between batches.window_start and batches.window_end
    group by
        batches.cutoff,
        batches.model_id,
        batches.predicted_total

),

known_revisions as (

    {% if is_incremental() %}
        select
            cutoff,
            model_id,
            max(revision) as revision,
            max_by(actuals_fingerprint, revision) as actuals_fingerprint,
        from {{ this }}
        group by
            cutoff,
            model_id
    {% else %}
        select
            cast(null as date) as cutoff,
            cast(null as varchar) as model_id,
            0 as revision,
            cast(null as varchar) as actuals_fingerprint,
        where false
    {% endif %}

)

select
    batches.cutoff,
    batches.model_id,
    cast(coalesce(known_revisions.revision, 0) + 1 as integer) as revision,
    batches.role,
    batches.history_months,
    batches.pred_months,
    batches.window_start,
    batches.window_end,
    fingerprints.actuals_fingerprint,
from matured_batches as batches
inner join fingerprints
    on
        batches.cutoff = fingerprints.cutoff
        and batches.model_id = fingerprints.model_id
left join known_revisions
    on
        batches.cutoff = known_revisions.cutoff
        and batches.model_id = known_revisions.model_id
where
    known_revisions.actuals_fingerprint is null
    or known_revisions.actuals_fingerprint <> fingerprints.actuals_fingerprint
