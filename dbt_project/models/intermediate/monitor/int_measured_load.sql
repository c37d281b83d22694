-- depends_on: {{ ref('int_matured_windows') }}
with files as (

    select * from {{ source('raw', 'files') }}

),

batches as (

    select * from {{ ref('clv_batches') }}

)

select
    (select max(load_id) from files) as load_id,
    -- changes when a batch is new or scored again: its early warnings are then due
    (
        select bit_xor(hash(cutoff, model_id, predicted_total)) from batches
    ) as batches_hash,
