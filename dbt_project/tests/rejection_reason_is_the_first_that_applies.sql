{# Fails when rejection_reason() gives a line another reason than the table does. #}
{{ config(tags=['macro']) }}

with delivered (
    name, customer_id, ordered_at, quantity, unit_price, amount, unreadable, expected
) as (

    values
    (
        'good', 'C1', timestamp '2012-02-29 23:59:59',
        1.0, 2.0, 2.0, null, null
    ),
    (
        'free', 'C1', timestamp '2012-02-29 00:00:00',
        1.0, 0.0, 0.0, null, null
    ),
    (
        'return', 'C1', timestamp '1971-01-01 00:00:00',
        -1.0, 2.0, -2.0, null, null
    ),
    (
        'amount alone', '0', timestamp '2012-02-29 00:00:00',
        null, null, 2.0, null, null
    ),
    (
        'null id', null, timestamp '2012-02-29 00:00:00',
        1.0, 2.0, 2.0, null, 'missing customer_id'
    ),
    (
        'blank id', ' ', timestamp '2012-02-29 00:00:00',
        1.0, 2.0, 2.0, null, 'missing customer_id'
    ),
    (
        'NA id', 'N/A', timestamp '2012-02-29 00:00:00',
        1.0, 2.0, 2.0, null, 'missing customer_id'
    ),
    (
        'barcode', 'C1', timestamp '2012-02-29 00:00:00',
        7612345678901.0, 2.0, 15224691357802.0, null, 'quantity out of range'
    ),
    (
        'many pieces', 'C1', timestamp '2012-02-29 00:00:00',
        -9999999999.0, 2.0, -19999999998.0, null, null
    ),
    (
        'small coin', 'C1', timestamp '2012-02-29 00:00:00',
        1.0, 0.0, 0.0, 'amount too small=1.2e-05', 'amount too small'
    ),
    (
        'text', null, null,
        null, 2.0, null, 'quantity=two; ordered_at=x', 'unreadable quantity'
    ),
    (
        'ragged', null, null,
        null, null, null,
        'fewer values than the header (line sha256 0a)', 'wrong number of values'
    ),
    (
        'no day', 'C1', null,
        1.0, 2.0, 2.0, null, 'missing ordered_at'
    ),
    (
        'large', 'C1', timestamp '2012-02-29 00:00:00',
        9e9, 9e12, null, null, 'amount out of range'
    ),
    (
        'no price', 'C1', timestamp '2012-02-29 00:00:00',
        1.0, null, null, null, 'missing amount'
    ),
    (
        'negative', 'C1', timestamp '2012-02-29 00:00:00',
        1.0, -2.0, -2.0, null, 'negative unit_price'
    ),
    (
        '1900', 'C1', timestamp '1900-01-01 00:00:00',
        1.0, 2.0, 2.0, null, 'ordered_at before 1970'
    ),
    (
        '1970', 'C1', timestamp '1970-01-01 12:00:00',
        1.0, 2.0, 2.0, null, 'ordered_at before 1970'
    ),
    (
        'tomorrow', 'C1', timestamp '2012-03-01 00:00:00',
        1.0, 2.0, 2.0, null, 'ordered_at in the future'
    ),
    (
        'MySQL id', chr(92) || 'N', timestamp '2012-02-29 00:00:00',
        1.0, 2.0, 2.0, null, 'missing customer_id'
    ),
    (
        'Excel id', '#N/A', timestamp '2012-02-29 00:00:00',
        1.0, 2.0, 2.0, null, 'missing customer_id'
    ),
    (
        'guest', 'guest', timestamp '2012-02-29 00:00:00',
        1.0, 2.0, 2.0, null, null
    ),
    (
        'refund of an order', 'C1', timestamp '2012-02-29 00:00:00',
        null, null, -2.0, null, null
    ),
    (
        'refund of no order', null, timestamp '2012-02-29 00:00:00',
        null, null, -2.0, null, 'parent order not counted'
    ),
    (
        'euros', 'C1', timestamp '2012-02-29 00:00:00',
        null, null, 2.0, null, null
    ),
    (
        'dollars', 'C1', timestamp '2012-02-29 00:00:00',
        null, null, 2.0, null, 'other currency'
    )

),

lines as (

    select
        *,
        date '2012-02-29' as loaded_on,
        case when name like 'refund of%' then 'O9' end as parent_order_id,
        case name when 'euros' then 'EUR' when 'dollars' then 'USD' end as currency,
        'EUR' as file_currency,
    from delivered

)

select
    *,
    {{ rejection_reason() }} as found,
from lines
where {{ rejection_reason() }} is distinct from expected
