-- rows of a rewritten file move up by the rows before them that are gone
with gone_rows as (

    select unnest(cast($gone as bigint[])) as file_row

),

counted as (

    select
        file_row as gone_row,
        row_number() over (order by file_row) as gone_before,
    from gone_rows

),

ours as (

    select
        rowid as row_id,
        file_row,
    from raw.transactions
    where file_id = $file_id

),

kept as (

    select
        ours.row_id,
        ours.file_row - counted.gone_before as file_row,
    from ours
    asof join counted
        on ours.file_row > counted.gone_row

)

update raw.transactions as lines
set file_row = kept.file_row
from kept
where lines.rowid = kept.row_id
