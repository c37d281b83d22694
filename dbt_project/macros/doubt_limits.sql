{#
    From where on the data is doubted. Every limit of data_doubts is here, by name.

    Sizes of samples: a log with more rows than a sample holds is read on every k-th day,
    so that its days are whole.
#}
{% macro doubt_limit(name) -%}
{%- set limits = {
    'sampled_lines': 200000,
    'sampled_line_days': 20,
    'sampled_customer_days': 200000,
    'fewest_sampled_days': 64,
    'fewest_days': 60,

    'refused_lines': 3,
    'refused_money_share': 0.05,
    'refused_money_to_rows': 2,
    'refused_file_share': 0.5,
    'lines_of_one_file': 0.9,
    'refused_returns': 5,
    'refused_returns_share': 0.9,
    'refused_sales_share': 0.5,

    'one_id_line_share': 0.05,
    'one_id_times_fair_share': 10,
    'one_id_day_share': 0.5,
    'one_id_orders_a_day': 1.5,
    'one_id_every_day_share': 0.9,
    'placeholder_line_share': 0.01,
    'placeholder_times_fair_share': 5,

    'destroyed_ids': 5,
    'exponent_id_share': 0.01,
    'rounded_id_share': 0.9,
    'customer_day_share': 0.3,
    'orders_per_order_id': 10,

    'alike_orders': 30,
    'alike_order_share': 0.95,
    'alike_distinct_share': 0.3,
    'alike_distinct': 100,

    'period_days': 30,
    'period_buyers': 20,
    'known_share_before': 0.4,
    'known_share_after': 0.05,

    'lines_a_month': 20,

    'busy_day_times_usual': 10,
    'busy_day_lines': 100,
    'busy_day_line_share': 0.005,
    'busy_days': 3,
    'busy_days_share': 0.01,
} -%}
{{ limits[name] }}
{%- endmacro %}
