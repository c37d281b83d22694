{#
    The tier rule: the tiers up to "Top p%" hold exactly ceil(p / 100 * n) customers.
    For example, of 101 customers the best two are "Top 1%". Returns one row per tier
    that has customers: value_tier, value_tier_rank (1 = best), first_rank, last_rank.
    All ranks after the last tier are "Bottom q%". A tier without customers has no number.

    customer_count: SQL expression, n. model_config: relation with the column
    value_tiers, a list of shares in per cent, smallest first.
#}
{% macro value_tier_ranks(customer_count, model_config) -%}
with listed as (

    select unnest(value_tiers) as share
    from {{ model_config }}

),

shares as (

    select cast(share as decimal(9, 4)) as share
    from listed

),

tiers as (

    select
        share,
        'Top ' || {{ share_label('share') }} || '%' as value_tier,
        -- DECIMAL is exact: 7 % of 100 is 7; a DOUBLE a little above 7 would give 8
        cast(
            ceil(cast(0.01 as decimal(3, 2)) * share * {{ customer_count }}) as bigint
        ) as last_rank,
    from shares

    union all

    select
        100 as share,
        'Bottom ' || {{ share_label('100 - max(share)') }} || '%' as value_tier,
        {{ customer_count }} as last_rank,
    from shares
    having max(share) < 100

),

tier_ranks as (

    select
        value_tier,
        coalesce(lag(last_rank) over (order by share), 0) + 1 as first_rank,
        last_rank,
    from tiers

)

select
    value_tier,
    cast(row_number() over (order by first_rank) as integer) as value_tier_rank,
    first_rank,
    last_rank,
from tier_ranks
where first_rank <= last_rank
{%- endmacro %}


{# A share without zeros at its end: 5.0000 -> 5, 0.5000 -> 0.5. #}
{% macro share_label(share) -%}
rtrim(rtrim(cast(cast({{ share }} as decimal(9, 4)) as varchar), '0'), '.')
{%- endmacro %}
