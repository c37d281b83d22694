-- what refused lines are worth by reason, the commonest first
select
    reason,
    -- sums of DOUBLE depend on the order of the rows
    cast(
        sum(try_cast(estimated_amount as decimal(38, 4))) as double
    ) as estimated_amount,
from staging.stg_rejected_transactions
group by reason
order by
    count(*) desc,
    reason
