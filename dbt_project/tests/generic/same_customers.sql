{# Fails when a customer of the batch is in one of the two tables only. #}
{% test same_customers(model, compare_model) %}
with ours as (

    select distinct customer_id from {{ model }}

),

theirs as (

    select distinct customer_id from {{ compare_model }}
    where cutoff = {{ cutoff_date() }}

)

select
    ours.customer_id as ours,
    theirs.customer_id as theirs,
from ours
full outer join theirs
    on ours.customer_id = theirs.customer_id
where ours.customer_id is null or theirs.customer_id is null
{% endtest %}
