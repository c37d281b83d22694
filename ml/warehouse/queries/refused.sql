-- refused lines by reason, the commonest first
select
    reason,
    count(*) as line_count,
from staging.stg_rejected_transactions
group by reason
order by
    line_count desc,
    reason
