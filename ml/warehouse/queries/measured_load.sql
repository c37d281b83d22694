-- one row: matured windows that are not measured; the load and the batches that
-- measuring knew, and those of today
with unmeasured as (

    select batches.cutoff
    from marts.batch_windows as batches
    anti join ml.drift_measurements as done
        on
            batches.cutoff = done.cutoff
            and batches.model_id = done.model_id
    where batches.has_matured

)

select
    (select count(*) from unmeasured) as unmeasured,
    (select load_id from intermediate.int_measured_load) as known_load_id,
    (select batches_hash from intermediate.int_measured_load) as known_batches_hash,
    (select max(load_id) from raw.files) as load_id,
    (
        select bit_xor(hash(cutoff, model_id, predicted_total))
        from marts.clv_batches
    ) as batches_hash,
