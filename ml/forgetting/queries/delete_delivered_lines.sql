-- lines of `forgotten` count as left out from now on, as after a load of their file:
-- those of the customers, refunds of their orders, and rows that go from files
create temp table gone_lines as
select
    file_id,
    file_row,
    cast(ordered_at as date) as activity_date,
from raw.transactions
where
    customer_id in (select customer_id from forgotten)
    or (
        customer_id is null
        and parent_order_id in (select order_id from forgotten_orders)
    )
union
select
    transactions.file_id,
    transactions.file_row,
    cast(transactions.ordered_at as date) as activity_date,
from raw.transactions
inner join raw.files
    on transactions.file_id = files.file_id
inner join forgotten_rows
    on
        files.content_sha256 = forgotten_rows.content_sha256
        and transactions.file_row = forgotten_rows.file_row
where files.is_current;

create temp table touched_files as
select
    file_id,
    count(*) as line_count,
from gone_lines
group by file_id;

insert into raw.forgotten_lines
select * from touched_files;

update raw.files
set row_count = files.row_count - touched_files.line_count
from touched_files
where files.file_id = touched_files.file_id;

delete from raw.transactions as lines
using gone_lines
where
    lines.file_id = gone_lines.file_id
    and lines.file_row = gone_lines.file_row;
