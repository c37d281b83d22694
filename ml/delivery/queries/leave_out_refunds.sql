-- refunds of orders_of_forgotten whose order has no line that counts are left out
create or replace temporary table refunds_of_forgotten as
select
    file_id,
    file_row,
from raw.transactions
where
    customer_id is null
    and parent_order_id in (select order_id from orders_of_forgotten);

create or replace temporary table files_of_refunds as
select
    file_id,
    count(*) as line_count,
from refunds_of_forgotten
group by file_id;

delete from raw.transactions as lines
using refunds_of_forgotten
where
    lines.file_id = refunds_of_forgotten.file_id
    and lines.file_row = refunds_of_forgotten.file_row;

insert into raw.forgotten_lines
select * from files_of_refunds;

update raw.files
set row_count = files.row_count - files_of_refunds.line_count
from files_of_refunds
where files.file_id = files_of_refunds.file_id
