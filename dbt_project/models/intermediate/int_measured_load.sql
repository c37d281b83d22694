{{ config(tags=['monitor']) }}

-- depends_on: {{ ref('int_matured_windows') }}
with files as (

    select * from {{ source('raw', 'files') }}

)

select max(load_id) as load_id
from files
