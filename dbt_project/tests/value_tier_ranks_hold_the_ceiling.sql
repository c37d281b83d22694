{# Fails when a tier of value_tier_ranks() does not hold ceil(p / 100 * n) ranks. #}
{{ config(tags=['macro']) }}

with model_config as (

    select ['1', '7', '33.5'] as value_tiers

),

found as (

    select
        100 as customers,
        hundred.*,
    from ({{ value_tier_ranks('100', 'model_config') }}) as hundred

    union all

    select
        3 as customers,
        three.*,
    from ({{ value_tier_ranks('3', 'model_config') }}) as three

    union all

    select
        1 as customers,
        single.*,
    from ({{ value_tier_ranks('1', 'model_config') }}) as single

),

expected (customers, value_tier, value_tier_rank, first_rank, last_rank) as (

    values
    (100, 'Top 1%', 1, 1, 1),
    (100, 'Top 7%', 2, 2, 7),
    (100, 'Top 33.5%', 3, 8, 34),
    (100, 'Bottom 66.5%', 4, 35, 100),
    (3, 'Top 1%', 1, 1, 1),
    (3, 'Top 33.5%', 2, 2, 2),
    (3, 'Bottom 66.5%', 3, 3, 3),
    (1, 'Top 1%', 1, 1, 1)

)

(
    select
        customers,
        value_tier,
        value_tier_rank,
        first_rank,
        last_rank,
    from found
    except
    select
        customers,
        value_tier,
        value_tier_rank,
        first_rank,
        last_rank,
    from expected
)
union all
(
    select
        customers,
        value_tier,
        value_tier_rank,
        first_rank,
        last_rank,
    from expected
    except
    select
        customers,
        value_tier,
        value_tier_rank,
        first_rank,
        last_rank,
    from found
)
