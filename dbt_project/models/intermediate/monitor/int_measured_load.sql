-- depends_on: {{ ref('int_matured_windows') }}
with files as (

    select * from {{ source('raw', 'files') }}

),

batches as (

    select * from {{ ref('clv_batches') }}

)

select
    (select max(load_id) from files) as load_id,
    -- a batch that is new or scored again asks for its early warnings
    (
        select bit_xor(hash(cutoff, model_id, predicted_total)) from batches
    ) as batches_hash,
