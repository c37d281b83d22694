-- lines of `forgotten` count as left out from now on, as after a load of their file
create temp table touched_files as
select
    file_id,
    count(*) as line_count,
from raw.transactions
where customer_id in (select customer_id from forgotten)
group by file_id;

insert into raw.forgotten_lines
select * from touched_files;

update raw.files
set row_count = files.row_count - touched_files.line_count
from touched_files
where files.file_id = touched_files.file_id;
