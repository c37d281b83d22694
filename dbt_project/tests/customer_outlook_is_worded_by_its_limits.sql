{# Fails when return_risk() or tier_movement() say another word than they should, or
    next_order_date() names another day.
#}
{{ config(tags=['macro']) }}

with given (
    probability, rank_before, rank_now, last_order, risk, movement, next_order
) as (

    values
    (1.0, 3, 1, '2012-02-29', 'low', 'up 2', '2012-03-05'),
    (0.75, 1, 4, '2012-01-01', 'low', 'down 3', '2012-04-15'),
    (0.75, 2, 2, '2012-03-10', 'low', 'same', '2012-04-25'),
    (0.6667, null, 1, '2012-01-01', 'low', null, '2012-04-28'),
    (0.6666, 1, null, '2012-01-01', 'medium', null, '2012-04-28'),
    (0.5, 1, 1, '2012-01-01', 'medium', 'same', '2012-05-31'),
    (0.4999, 1, 1, '2012-01-01', 'medium', 'same', null),
    (0.3333, 1, 1, '2012-01-01', 'high', 'same', null),
    (0.0, 1, 1, null, 'high', 'same', null),
    (null, 1, 1, '2012-01-01', null, 'same', null)

),

typed as (

    select
        cast(probability as double) as probability,
        rank_before,
        rank_now,
        cast('2012-02-29' as date) as cutoff,
        cast('2012-05-31' as date) as window_end,
        cast(last_order as date) as last_order_date,
        risk,
        movement,
        cast(next_order as date) as next_order_date,
    from given

),

found as (

    select
        risk,
        movement,
        next_order_date,
        {{ return_risk('probability') }} as found_risk,
        {{ tier_movement('rank_before', 'rank_now') }} as found_movement,
        {{ next_order_date(
            'cutoff', 'window_end', 'last_order_date', 'probability'
        ) }} as found_next_order_date,
    from typed

)

select *
from found
where
    found_risk is distinct from risk
    or found_movement is distinct from movement
    or found_next_order_date is distinct from next_order_date
