{# Fails when a tier of value_tier_ranks() holds other ranks than ceil(p / 100 * n) says. #}
{{ config(tags=['macro']) }}

with model_config as (

    select ['1', '7', '33.5'] as value_tiers

),

found as (

    select
        100 as customers,
        *,
    from ({{ value_tier_ranks('100', 'model_config') }}) as hundred

    union all

    select
        3 as customers,
        *,
    from ({{ value_tier_ranks('3', 'model_config') }}) as three

    union all

    select
        1 as customers,
        *,
    from ({{ value_tier_ranks('1', 'model_config') }}) as single

),

expected as (

    select *
    from (
        values
        (100, 'Top 1%', 1, 1),
        (100, 'Top 7%', 2, 7),
        (100, 'Top 33.5%', 8, 34),
        (100, 'Bottom 66.5%', 35, 100),
        (3, 'Top 1%', 1, 1),
        (3, 'Top 33.5%', 2, 2),
        (3, 'Bottom 66.5%', 3, 3),
        (1, 'Top 1%', 1, 1)
    ) as tiers (customers, value_tier, first_rank, last_rank)

)

(select * from found except select * from expected)
union all
(select * from expected except select * from found)
