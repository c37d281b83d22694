{# Fails when a band of the segment rule holds a wrong value, or a wrong edge. #}
{{ config(tags=['macro']) }}

with customers (tenure_days, tenure_name, order_value, quarter_name, half_name) as (

    values
    (
        0, 'tenure 0 to 90 days',
        10.00, 'lowest quarter (up to 10.00)', 'up to 20.00'
    ),
    (
        90, 'tenure 0 to 90 days',
        10.01, 'second quarter (10.00 to 20.00)', 'up to 20.00'
    ),
    (
        91, 'tenure 91 to 180 days',
        20.00, 'second quarter (10.00 to 20.00)', 'up to 20.00'
    ),
    (
        181, 'tenure 181 to 365 days',
        30.00, 'third quarter (20.00 to 30.00)', 'over 20.00'
    ),
    (
        366, 'tenure over 365 days',
        30.01, 'highest quarter (over 30.00)', 'over 20.00'
    )

)

select *
from customers
where
    {{ tenure_band('tenure_days') }} <> tenure_name
    or {{ quarter('order_value', '[10.0, 20.0, 30.0]') }} <> quarter_name
    or {{ half('order_value', '20.0', 2) }} <> half_name

union all

select *
from customers
where {{ tenure_band('cast(null as integer)') }} is not null
