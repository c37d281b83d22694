-- ragged lines of the scan just made; of their text only a hash is kept
-- file_row: 1-based data row, blank lines counted
create or replace temporary table ragged_lines as
with newest_scan as (

    select max(scan_id) as scan_id from reject_errors

)

select
    line - 1 as file_row,
    row_number() over (order by line) as ragged_row,
    case when any_value(error_type) = 'MISSING COLUMNS' then 'fewer' else 'more' end
    || ' values than the header (line sha256 '
    || left(sha256(trim(any_value(csv_line), chr(10) || chr(13))), 12)
    || ')' as unreadable,
from reject_errors
where scan_id = (select scan_id from newest_scan)
group by line
