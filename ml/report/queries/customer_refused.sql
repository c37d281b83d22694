-- why lines of a customer were refused
select
    reason,
    count(*) as line_count,
from staging.stg_rejected_transactions
where customer_id = $customer_id
group by reason
order by
    line_count desc,
    reason
