{#
    The order's total on each of its lines: nearly all orders of several products have one
    amount (or price) on all lines, and it differs from order to order.
#}
{% macro order_total_doubt() -%}
select
            file_id,
            sum(line_count) filter (where is_alike)
            / (select sum(orders.line_count) from orders) as rows_share,
            sum(money) filter (where is_alike)
            / nullif((select sum(orders.money) from orders), 0) as money_share,
            arg_min(order_id, (-line_count, order_id, customer_id)) filter (
                where is_alike
            ) as example,
            format(
                'all lines of an order have the same amount in {:,} of {:,} orders with '
                || 'several lines, such as {}: it looks like the total of the order',
                count(*) filter (where is_alike), count(*),
                arg_min(
                    format(
                        '{} with {} of {:,.2f}{}', order_id, sold_line_count, shown,
                        coalesce(
                            (select ' ' || max(upper(currency)) from current_files), ''
                        )
                    ),
                    (-line_count, order_id, customer_id)
                ) filter (where is_alike)
            ) as words,
            'source.amount_is_order_total: true counts it once an order; or name the price of '
            || 'the line as unit_price with quantity' as remedy,
        from (
            select
                *,
                least_amount = largest_amount or coalesce(
                    least_price = largest_price, false
                ) as is_alike,
                case
                    when least_amount = largest_amount then least_amount
                    else least_price
                end as shown,
            from orders
            where
                sold_line_count > 1
                and (first_product is null or first_product <> last_product)
        ) as orders_of_several
        group by grouping sets ((), (file_id))
        having
            count(*) >= {{ doubt_limit('alike_orders') }}
            and count(*) filter (where is_alike)
            >= {{ doubt_limit('alike_order_share') }} * count(*)
            and count(distinct shown) filter (where is_alike) >= least(
                {{ doubt_limit('alike_distinct') }},
                {{ doubt_limit('alike_distinct_share') }} * count(*)
            )
{%- endmacro %}


{# Currencies of the mapped column: several, or another than source.currency. #}
{% macro other_currency_doubt(raw_lines) -%}
select
            null as file_id,
            sum(line_count) filter (where is_other)
            / (select whole_log.row_count from whole_log) as rows_share,
            sum(money) filter (where is_other) / nullif(sum(money), 0) as money_share,
            min(currency) filter (where is_other) as example,
            case
                when count(distinct currency) > 1
                    then
                        'the lines are in several currencies ('
                        || string_agg(distinct currency, ', ' order by currency)
                        || '), and money of two currencies cannot be added'
                else
                    format(
                        'the lines are in {}, and source.currency is {}',
                        min(currency), min(wanted)
                    )
            end as words,
            case
                when count(distinct currency) > 1
                    then
                        'source.keep: {currency column: ['
                        || arg_max(currency, (line_count, currency)) || ']}'
                else 'source.currency: ' || min(currency)
            end as remedy,
        from (
            select
                delivered.currency,
                delivered.line_count,
                delivered.money,
                upper(current_files.currency) as wanted,
                delivered.currency <> coalesce(
                    upper(current_files.currency),
                    first_value(delivered.currency) over (
                        order by delivered.line_count desc, delivered.currency
                    )
                ) as is_other,
            from (
                select
                    file_id,
                    upper(trim(currency)) as currency,
                    count(*) as line_count,
                    sum(abs(amount)) as money,
                from {{ raw_lines }}
                where currency is not null
                group by all
            ) as delivered
            inner join current_files
                on delivered.file_id = current_files.file_id
        ) as currencies
        having count(*) filter (where is_other) > 0
{%- endmacro %}
