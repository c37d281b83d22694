{#
    One id (or a few) on far more lines than its fair share, or on most days with several
    orders a day, or on nearly all days. A small shop may have one good customer: of 20
    customers none can be doubted.
#}
{% macro one_id_doubt() -%}
select
            null as file_id,
            sum(line_share) as rows_share,
            sum(money_share) as money_share,
            arg_max(id, (line_share, id)) as example,
            format(
                'the customer id "{}" is on {} of the lines and on {} of the days{}: it may '
                || 'stand for buyers who are not known',
                arg_max(id, (line_share, id)),
                {{ share_in_words('max(line_share)') }},
                {{ share_in_words('arg_max(day_share, (line_share, id))') }},
                case
                    when count(*) > 1 then format(' ({} such ids in all)', count(*))
                    else ''
                end
            ) as words,
            'source.drop: {customer_id column: ['
            || string_agg(
                {{ quoted_in_yaml('id') }}, ', '
                order by line_share desc, id
            ) || ']}' as remedy,
        from (
            select
                customers.id,
                customers.line_count / totals.line_count as line_share,
                customers.day_count / totals.day_count as day_share,
                customers.money / nullif(totals.money, 0) as money_share,
                customers.order_count / customers.day_count as orders_a_day,
                totals.day_count >= {{ doubt_limit('fewest_days') }} as has_many_days,
                {{ doubt_limit('one_id_times_fair_share') }}
                * totals.mean_day_count / totals.day_count as many_days_share,
                totals.customer_count,
            from customers
            cross join all_customers as totals
            where customers.line_count > 0
        ) as shares
        where
            line_share >= greatest(
                {{ doubt_limit('one_id_line_share') }},
                {{ doubt_limit('one_id_times_fair_share') }} / customer_count
            )
            or (
                has_many_days
                and day_share >= many_days_share
                and day_share >= {{ doubt_limit('one_id_day_share') }}
                and (
                    orders_a_day >= {{ doubt_limit('one_id_orders_a_day') }}
                    or day_share >= {{ doubt_limit('one_id_every_day_share') }}
                )
            )
            or (
                line_share >= greatest(
                    {{ doubt_limit('placeholder_line_share') }},
                    {{ doubt_limit('placeholder_times_fair_share') }} / customer_count
                )
                and {{ is_placeholder('id') }}
            )
        having count(*) > 0
{%- endmacro %}


{# SQL of a text as YAML takes it: in single quotes, each quote inside doubled. #}
{% macro quoted_in_yaml(text) -%}
chr(39) || replace({{ text }}, chr(39), chr(39) || chr(39)) || chr(39)
{%- endmacro %}


{# Whether an id looks like one that stands for nobody. #}
{% macro is_placeholder(id) -%}
regexp_full_match(
    lower(trim({{ id }})),
    '0+|-1|9{4,}|[-?.x#]+|.*(guest|unknown|anonym|walk-?in|nobody|no.?name|dummy).*'
    || '|[(]?(null|none|nil|undefined|missing|empty|blank)[)]?|[\\]n|#?n[/]?a|test|cash|pos'
)
{%- endmacro %}


{# Ids that a spreadsheet wrote as `1.23457E+11`: many ids have become one. #}
{% macro exponents_doubt(what, ids) -%}
{%- set is_lost -%}
regexp_full_match(
                    id,
                    '[+-]?[0-9]([.,][0-9]+)?[eE][+][0-9]{1,3}'
                    || '|[+-]?[0-9][.,][0-9]+[eE][+-]?[0-9]{1,3}'
                )
{%- endset -%}
{%- set words -%}
'{:,} of {:,} {{ what }} ids are written like {}: a spreadsheet cut them, and '
                || 'several {{ what }}s have become one'
{%- endset -%}
{%- set are_many -%}
sum(line_count) filter (where is_lost)
            >= {{ doubt_limit('exponent_id_share') }} * sum(line_count)
{%- endset -%}
{{ lost_ids_doubt(ids, is_lost, words, are_many) }}
{%- endmacro %}


{#
    Ids of one length whose last digits are all zeros: a number of 15 digits (or of 6) was
    made of them.
#}
{% macro rounded_doubt(what, ids) -%}
{%- set is_lost -%}
length(id) >= 8
                and (
                    id like '%000' or (length(id) = 17 and id like '%00')
                    or (length(id) = 16 and id like '%0')
                )
                and regexp_full_match(id, '[0-9]+')
{%- endset -%}
{%- set words -%}
'{:,} of {:,} {{ what }} ids end in zeros, such as {}: their last digits are '
                || 'lost, and several {{ what }}s may have become one'
{%- endset -%}
{%- set are_many -%}
count(*) >= {{ doubt_limit('destroyed_ids') }}
            and count(*) filter (where is_lost)
            >= {{ doubt_limit('rounded_id_share') }} * count(*)
{%- endset -%}
{{ lost_ids_doubt(ids, is_lost, words, are_many) }}
{%- endmacro %}


{# What the doubts of ids that a program changed have in common. #}
{% macro lost_ids_doubt(ids, is_lost, words, are_many) -%}
select
            null as file_id,
            sum(line_count) filter (where is_lost) / sum(line_count) as rows_share,
            sum(money) filter (where is_lost) / nullif(sum(money), 0) as money_share,
            arg_max(id, (line_count, id)) filter (where is_lost) as example,
            format(
                {{ words }},
                count(*) filter (where is_lost), count(*),
                arg_max(id, (line_count, id)) filter (where is_lost)
            ) as words,
            'export the ids as text and deliver the file again' as remedy,
        from (
            select
                *,
                {{ is_lost }} as is_lost,
            from {{ ids }}
        ) as ids
        having
            {{ are_many }}
{%- endmacro %}


{# The typical customer buys on a third of the days: no person does. #}
{% macro few_customers_doubt() -%}
select
            null as file_id,
            1 as rows_share,
            1 as money_share,
            example,
            format(
                '{:,} customer ids for {:,} lines: the typical one is there on {} of the '
                || 'days, as a till or a branch would be',
                customer_count, line_count,
                {{ share_in_words('median_day_count / day_count') }}
            ) as words,
            'source.columns.customer_id: the column that holds the buyer' as remedy,
        from all_customers
        cross join (
            select arg_max(id, (line_count, id)) as example
            from customers
        ) as most
        where
            day_count >= {{ doubt_limit('fewest_days') }}
            and median_day_count
            >= {{ doubt_limit('customer_day_share') }} * day_count
{%- endmacro %}


{# Ten customers a day share an order id. #}
{% macro few_orders_doubt() -%}
select
            null as file_id,
            1 as rows_share,
            1 as money_share,
            arg_max(order_id, (customer_count, order_id)) as example,
            format(
                '{:,} order ids for {:,} purchases of one customer on one day: for example '
                || '{} is shared by {:,} customers on {}',
                count(*), cast(sum(customer_count) as bigint),
                arg_max(order_id, (customer_count, order_id)), max(customer_count),
                arg_max(order_date, (customer_count, order_id))
            ) as words,
            'source.columns.order_id: a column with one id for each order, as text' as remedy,
        from (
            select
                order_date,
                order_id,
                count(*) as customer_count,
            from orders_with_id
            group by
                order_date,
                order_id
        ) as order_ids
        having
            sum(customer_count) >= {{ doubt_limit('orders_per_order_id') }} * count(*)
{%- endmacro %}


{#
    Steps of unknown_ids. Periods of 30 days are counted back from the newest day, so that
    the newest is whole. A customer is known in a period when the first purchase was before
    the period that precedes it; so a change in the middle of a period shows in the next.
#}
{% macro unknown_ids_steps(customer_days, sample) -%}
purchase_days as materialized (

    select
        customer_id,
        activity_date,
    from {{ customer_days }}
    where
        order_count > 0
        {%- if sample and sample['largest_hash'] %}
        -- a share of the customers
        and hash(customer_id) <= cast({{ sample['largest_hash'] }} as ubigint)
        {%- endif %}

),

customer_periods as materialized (

    -- each buyer once a period: one guest of many orders is known for ever
    select distinct
        visits.customer_id,
        (whole_log.last_date - visits.activity_date)
        // {{ doubt_limit('period_days') }} as periods_back,
    from purchase_days as visits
    cross join whole_log
    where visits.activity_date between whole_log.first_date and whole_log.last_date

),

first_periods as (

    select
        customer_id,
        max(periods_back) as first_back,
    from customer_periods
    group by customer_id

),

buyers_by_first_period as materialized (

    select
        visits.periods_back,
        firsts.first_back,
        count(*) as buyer_count,
    from customer_periods as visits
    inner join first_periods as firsts
        on visits.customer_id = firsts.customer_id
    group by
        visits.periods_back,
        firsts.first_back

),

known_by_period as (

    select
        periods_back,
        sum(buyer_count) as buyer_count,
        coalesce(
            sum(buyer_count) filter (where first_back >= periods_back + 2), 0
        ) as known_count,
    from buyers_by_first_period
    group by periods_back

),

-- the six periods before it, and all from it on
compared_periods as (

    select
        *,
        sum(known_count) over six_before
        / nullif(sum(buyer_count) over six_before, 0) as known_share_before,
        count(*) over six_before as periods_before,
        sum(buyer_count) over six_before as buyers_before,
        (
            select
                coalesce(
                    sum(later.buyer_count) filter (
                        where later.first_back >= known_by_period.periods_back + 2
                    ), 0
                ) / sum(later.buyer_count)
            from buyers_by_first_period as later
            where later.periods_back <= known_by_period.periods_back
        ) as known_share_after,
    from known_by_period
    window six_before as (
        order by periods_back desc rows between 6 preceding and 1 preceding
    )

),
{%- endmacro %}


{# From some period on hardly any customer is known, although most were before. #}
{% macro unknown_ids_doubt() -%}
select
            null as file_id,
            (
                select sum(days.line_count) / min(whole_log.line_count)
                from days
                cross join whole_log
                where days.activity_date >= since
            ) as rows_share,
            (
                select sum(days.money) / nullif(min(whole_log.money), 0)
                from days
                cross join whole_log
                where days.activity_date >= since
            ) as money_share,
            cast(since as varchar) as example,
            format(
                'of the buyers from {} on, {} are known from more than a month before; until '
                || 'then {} were: the ids may have changed',
                since,
                {{ share_in_words('known_share_after') }},
                {{ share_in_words('known_share_before') }}
            ) as words,
            'deliver the older files with the new ids, or the new ones with the old ids'
            as remedy,
        from (
            select
                compared_periods.*,
                whole_log.last_date + 1 - cast(
                    {{ doubt_limit('period_days') }}
                    * (compared_periods.periods_back + 1) as integer
                ) as since,
            from compared_periods
            cross join whole_log
            where
                buyer_count >= {{ doubt_limit('period_buyers') }}
                and buyers_before >= 3 * {{ doubt_limit('period_buyers') }}
                and periods_before >= 3
                and known_count
                <= {{ doubt_limit('known_share_after') }} * buyer_count
                and known_share_after <= {{ doubt_limit('known_share_after') }}
                and known_share_before >= {{ doubt_limit('known_share_before') }}
        ) as changes
        order by periods_back desc
        limit 1
{%- endmacro %}
