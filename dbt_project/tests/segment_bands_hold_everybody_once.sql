{# Fails when a band of the segment rule holds a wrong value, or a wrong edge. #}
{{ config(tags=['macro']) }}

with customers (age_days, tenure_name, order_value, quarter_name, half_name) as (

    values
    (
        0, 'first order 0 to 90 days ago',
        10.00, 'lowest quarter (up to 10.00)', 'up to 20.00'
    ),
    (
        90, 'first order 0 to 90 days ago',
        10.01, 'second quarter (10.00 to 20.00)', 'up to 20.00'
    ),
    (
        91, 'first order 91 to 180 days ago',
        20.00, 'second quarter (10.00 to 20.00)', 'up to 20.00'
    ),
    (
        181, 'first order 181 to 365 days ago',
        30.00, 'third quarter (20.00 to 30.00)', 'over 20.00'
    ),
    (
        366, 'first order over 365 days ago',
        30.01, 'highest quarter (over 30.00)', 'over 20.00'
    )

)

select *
from customers
where
    {{ tenure_band('age_days') }} <> tenure_name
    or {{ quarter('order_value', '[10.0, 20.0, 30.0]') }} <> quarter_name
    or {{ half('order_value', '20.0', 2) }} <> half_name
    or {{ half('order_value', '20000.0', 2, mark="'€'") }} <> 'up to €20,000.00'
    or {{ quarter('30.01', '[10.0, 20.0, 3000.0]', 0, "'CHF '") }}
    <> 'third quarter (CHF 20 to CHF 3,000)'

union all

select *
from customers
where {{ tenure_band('cast(null as integer)') }} is not null
