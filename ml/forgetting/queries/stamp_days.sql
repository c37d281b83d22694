-- days of `forgotten` and of lines that are gone are marked as changed by a new load,
-- and fingerprinted anew
create temp table touched_days as
select distinct activity_date
from intermediate.int_customer_days
where
    customer_id in (select customer_id from forgotten)
    or activity_date in (select activity_date from gone_lines);

create temp table stamp as
select max(load_id) + 1 as load_id
from raw.files;

update raw.files
set load_id = (select load_id from stamp)
where
    file_id = (
        select max(file_id) from raw.files
        where is_current
    );

update intermediate.int_customer_days
set load_id = (select load_id from stamp)
where activity_date in (select activity_date from touched_days);

delete from intermediate.int_day_fingerprints
where activity_date in (select activity_date from touched_days);
