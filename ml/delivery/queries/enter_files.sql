-- files that were taken in, with what their rows say
with entered as (

    select
        unnest(cast($file_ids as integer[])) as file_id,
        unnest(cast($file_names as varchar[])) as file_name,
        unnest(cast($contents as varchar[])) as content_sha256,

),

read as (

    select
        file_id,
        count(*) as row_count,
        cast(min(ordered_at) as date) as first_day,
        cast(max(ordered_at) as date) as last_day,
    from raw.transactions
    where file_id in (select file_id from entered)
    group by file_id

)

insert into raw.files
select
    entered.file_id,
    entered.file_name,
    entered.content_sha256,
    $reading as reading_sha256,
    coalesce(read.row_count, 0) as row_count,
    read.first_day,
    read.last_day,
    $today as loaded_on,
    $load_number as load_id,
    true as is_current,
    $currency,
from entered
left join read on entered.file_id = read.file_id
order by entered.file_id
returning file_id, row_count
