-- the scan counted the lines it took; those behind a ragged one move back by one each
with ragged as (

    select
        file_row - ragged_row + 1 as first_behind,
        max(ragged_row) as ragged_row,
    from ragged_lines
    group by file_row - ragged_row

),

taken as (

    select file_row from raw.transactions
    where file_id = $file_id

),

moved as (

    select
        taken.file_row,
        ragged.ragged_row,
    from taken
    asof join ragged
        on taken.file_row >= ragged.first_behind

)

update raw.transactions as lines
set file_row = lines.file_row + moved.ragged_row
from moved
where
    lines.file_id = $file_id
    and lines.file_row = moved.file_row
