{#
    The rows of marts.data_doubts: what a careful person would ask about the delivered
    files. `load` builds them as a mart, and `init` shows them before anything is loaded.

    transactions: accepted lines, as stg_transactions.
    rejected: refused lines, as stg_rejected_transactions.
    raw_lines, files: as raw.transactions and raw.files.
    customer_days: as int_customer_days.
    sample: the row of doubt_sample_query, or none to read all days and customers.

    Each kind of doubt is a macro of doubts_of_….sql that reads the steps below. It yields
    file_id (NULL = the whole log), rows_share, money_share, example, words and remedy. A
    new kind is a macro there, a line at the end of this one, its limit in
    doubt_limits.sql and a row in docs/your_data.md.
#}
{% macro data_doubts(
    transactions, rejected, raw_lines, files, customer_days, sample
) -%}
with current_files as (

    select
        *,
        count(*) over () as file_count,
    from {{ files }}
    where is_current

),

-- one row per day with activity
days as materialized (

    select
        activity_date,
        count(*) as customer_count,
        cast(sum(line_count + return_count) as bigint) as line_count,
        cast(sum(order_count) as bigint) as order_count,
        sum(gross_revenue + returned_revenue) as money,
    from {{ customer_days }}
    group by activity_date

),

customers_by_day as (

    select
        activity_date,
        customer_count as row_count,
    from days

),

customers_by_day_backwards as (

    select
        date '2000-01-01' + cast(date '2100-01-01' - activity_date as integer)
            as activity_date,
        customer_count as row_count,
    from days

),

-- the first of the lone last days, and the last of the lone first days: the same rule on
-- days that are counted backwards
lone_days as materialized (

    select
        (
            select first_lone_date
            from ({{ lone_last_day('customers_by_day') }}) as at_the_end
        ) as last_from,
        (
            select date '2100-01-01' - cast(first_lone_date - date '2000-01-01' as integer)
            from ({{ lone_last_day('customers_by_day_backwards') }}) as at_the_start
        ) as first_to,

),

-- the days between such lone days, numbered
usual_days as materialized (

    select
        days.*,
        row_number() over (order by days.activity_date) as day_number,
    from days
    cross join lone_days
    where
        days.activity_date < coalesce(lone_days.last_from, date '9999-12-31')
        and days.activity_date > coalesce(lone_days.first_to, date '0001-01-01')

),

-- one row: the whole log
whole_log as materialized (

    select
        count(*) as day_count,
        min(activity_date) as first_date,
        max(activity_date) as last_date,
        (select coalesce(sum(customer_count), 0) from days) as customer_day_count,
        (select coalesce(sum(line_count), 0) from days) as line_count,
        (select coalesce(sum(money), 0) from days) as money,
        (select coalesce(sum(row_count), 0) from current_files) as row_count,
    from usual_days

),

customers as materialized (

    select
        customer_id as id,
        count(*) as day_count,
        cast(sum(order_count) as bigint) as order_count,
        cast(sum(line_count + return_count) as bigint) as line_count,
        sum(gross_revenue + returned_revenue) as money,
    from {{ customer_days }}
    {%- if sample and sample['customer_days'] %}
    where activity_date in ({{ days_in_sql(sample['customer_days']) }})
    {%- endif %}
    group by customer_id

),

-- one row: the sampled customers
all_customers as (

    select
        count(*) as customer_count,
        sum(day_count) / count(*) as mean_day_count,
        median(day_count) as median_day_count,
        sum(line_count) as line_count,
        sum(money) as money,
        {%- if sample and sample['customer_days'] %}
        {{ sample['customer_days'].split(',') | length }} as day_count,
        {%- else %}
        (select count(*) from days) as day_count,
        {%- endif %}
    from customers

),

orders as materialized (

    select
        customer_id,
        order_id,
        order_date,
        min(file_id) as file_id,
        count(*) as line_count,
        min(ordered_at) as ordered_at,
        sum(abs(amount)) as money,
        count(*) filter (where amount > 0) as sold_line_count,
        min(product_id) as first_product,
        max(product_id) as last_product,
        min(amount) filter (where amount > 0) as least_amount,
        max(amount) filter (where amount > 0) as largest_amount,
        min(unit_price) filter (where amount > 0) as least_price,
        max(unit_price) filter (where amount > 0) as largest_price,
    from {{ transactions }}
    {%- if sample and sample['line_days'] %}
    where
        {%- for day in sample['line_days'].split(',') %}
        {{ 'or ' if not loop.first }}{{ falls_on(
            'ordered_at', "date '" ~ day ~ "'", "date '" ~ day ~ "'"
        ) }}
        {%- endfor %}
    {%- endif %}
    group by
        customer_id,
        order_id,
        order_date

),

-- without an order id the moment stands for it
orders_with_id as (

    select * from orders
    where order_id <> cast(ordered_at as varchar)

),

order_ids as materialized (

    select
        order_id as id,
        cast(sum(line_count) as bigint) as line_count,
        sum(money) as money,
    from orders_with_id
    group by order_id

),

refused as materialized (

    select
        *,
        -- sums of DOUBLE depend on the order of the rows
        try_cast(estimated_amount as decimal(38, 4)) as worth,
        coalesce(
            nullif(regexp_extract(unreadable, '=(.*)$', 1), ''),
            cast(amount as varchar)
        ) as example,
    from {{ rejected }}

),

{{ doubted_refusals_steps(raw_lines) }}

{{ unknown_ids_steps(customer_days, sample) }}

doubts as (

    {{ one_doubt('refused_money', refused_money_doubt()) }}
    union all
    {{ one_doubt('refused_file', refused_file_doubt()) }}
    union all
    {{ one_doubt('refused_returns', refused_returns_doubt()) }}
    union all
    {{ one_doubt('one_id_on_many_lines', one_id_doubt()) }}
    union all
    {{ one_doubt('customer_ids_in_exponents', exponents_doubt('customer', 'customers')) }}
    union all
    {{ one_doubt('order_ids_in_exponents', exponents_doubt('order', 'order_ids')) }}
    union all
    {{ one_doubt('customer_ids_rounded', rounded_doubt('customer', 'customers')) }}
    union all
    {{ one_doubt('order_ids_rounded', rounded_doubt('order', 'order_ids')) }}
    union all
    {{ one_doubt('few_customers', few_customers_doubt()) }}
    union all
    {{ one_doubt('few_orders', few_orders_doubt()) }}
    union all
    {{ one_doubt('order_total_on_every_line', order_total_doubt()) }}
    union all
    {{ one_doubt('other_currency', other_currency_doubt(raw_lines)) }}
    union all
    {{ one_doubt('lone_last_day', lone_days_doubt(is_last=true)) }}
    union all
    {{ one_doubt('lone_first_day', lone_days_doubt(is_last=false)) }}
    union all
    {{ one_doubt('unknown_ids', unknown_ids_doubt()) }}
    union all
    {{ one_doubt('missing_months', missing_months_doubt()) }}
    union all
    {{ one_doubt('busy_day', busy_day_doubt()) }}

),

-- what is true of the whole log is not said of each of its files again
ranked_doubts as (

    select
        *,
        row_number() over (
            partition by kind
            order by file_id is not null, rows_share desc, file_id
        ) as doubt_rank,
        bool_or(file_id is null) over (partition by kind) as is_of_all,
    from doubts

)

select
    coalesce(current_files.file_name, 'all files') as file,
    ranked_doubts.kind,
    ranked_doubts.rows_share,
    ranked_doubts.money_share,
    ranked_doubts.example,
    ranked_doubts.words,
    ranked_doubts.remedy,
from ranked_doubts
left join current_files
    on
        ranked_doubts.file_id = current_files.file_id
        or current_files.file_count = 1
where ranked_doubts.doubt_rank <= case when ranked_doubts.is_of_all then 1 else 5 end
{%- endmacro %}


{# The rows of one kind of doubt, with their types. #}
{% macro one_doubt(kind, doubt) -%}
select
        '{{ kind }}' as kind,
        file_id,
        {{ known_share('rows_share') }} as rows_share,
        {{ known_share('money_share') }} as money_share,
        cast(example as varchar) as example,
        words,
        remedy,
    from (
        {{ doubt }}
    ) as doubt
{%- endmacro %}


{# A share as a DOUBLE of 0-1; NULL where nothing was to be shared. #}
{% macro known_share(share) -%}
case
            when isfinite(cast({{ share }} as double))
                then greatest(0, least(1, cast({{ share }} as double)))
        end
{%- endmacro %}


{#
    Which part of a large log is looked at line by line, so that the doubts stay cheap:
    one row with days for the lines, days for the customers (each a list with commas, NULL
    = all days) and a largest hash of customer ids (NULL = all customers). The days are
    every k-th; not every seventh, which would always be the same weekday. Literal days
    let a scan skip the others.
#}
{% macro doubt_sample_query(customer_days, files) -%}
with days as (

    select
        activity_date,
        count(*) as row_count,
        row_number() over (order by activity_date) as day_number,
    from {{ customer_days }}
    group by activity_date

),

sizes as (

    select
        count(*) as day_count,
        coalesce(sum(row_count), 0) as customer_day_count,
        (
            select coalesce(sum(files.row_count), 0) from {{ files }} as files
            where files.is_current
        ) as line_count,
    from days

),

steps as (

    select
        {{ every_kth('line_count', 'sampled_lines', 'sampled_line_days') }} as of_lines,
        {{ every_kth(
            'customer_day_count', 'sampled_customer_days', 'fewest_sampled_days'
        ) }} as of_customers,
        1 + customer_day_count // {{ doubt_limit('sampled_customer_days') }} as of_ids,
    from sizes

)

select
    string_agg(
        cast(days.activity_date as varchar), ',' order by days.activity_date
    ) filter (
        where steps.of_lines > 1 and days.day_number % steps.of_lines = 0
    ) as line_days,
    string_agg(
        cast(days.activity_date as varchar), ',' order by days.activity_date
    ) filter (
        where steps.of_customers > 1 and days.day_number % steps.of_customers = 0
    ) as customer_days,
    cast(
        case
            when max(steps.of_ids) > 1
                then
                    cast(18446744073709551615 as ubigint)
                    // cast(max(steps.of_ids) as ubigint)
        end as varchar
    ) as largest_hash,
from days
cross join steps
{%- endmacro %}


{# The row of doubt_sample_query for a model; none where nothing is executed. #}
{% macro doubt_sample(customer_days, files) -%}
{%- if execute and load_relation(customer_days) is not none -%}
    {%- set found = run_query(doubt_sample_query(customer_days, files)) -%}
    {{ return(found.rows[0]) }}
{%- endif -%}
{{ return(none) }}
{%- endmacro %}


{# k, so that all k-th days hold about `limit` rows, and `fewest` days are left. #}
{% macro every_kth(size, limit, fewest) -%}
(
            select step + cast(step % 7 = 0 as bigint)
            from (
                select
                    greatest(
                        1,
                        least(
                            1 + {{ size }} // {{ doubt_limit(limit) }},
                            day_count // {{ doubt_limit(fewest) }}
                        )
                    ) as step,
            ) as steps
        )
{%- endmacro %}


{# Days of a list with commas as literals. #}
{% macro days_in_sql(days) -%}
{%- for day in days.split(',') -%}
date '{{ day }}'{{ ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro %}


{# SQL of a share (0-1) as a person writes it: `22 %`, below one per cent `0.04 %`. #}
{% macro share_in_words(share) -%}
case
    when {{ share }} < 0.01 then format('{:.2g} %', 100 * {{ share }})
    else format('{:.0f} %', 100 * {{ share }})
end
{%- endmacro %}


{# SQL of a number of lines with its noun: `1 line`, `1,204 lines`. #}
{% macro lines_in_words(count) -%}
format('{:,} line', cast({{ count }} as bigint))
|| case when {{ count }} = 1 then '' else 's' end
{%- endmacro %}
