-- calendar months of the log up to a training's cutoff
select * exclude (training_cutoff)
from intermediate.int_monthly_revenue
where training_cutoff = $training_cutoff
order by month
