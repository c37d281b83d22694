{#
    Kinds of doubt, each a macro that reads the steps of data_doubts: refused lines that
    are few and hold much money.
#}
{% macro refused_money_doubt() -%}
select
            file_id,
            line_count / all_lines as rows_share,
            refused_money / all_money as money_share,
            example,
            format(
                '{} of {:,} are refused ({}), and with them {} of the money',
                {{ lines_in_words('line_count') }}, all_lines, reason,
                {{ share_in_words('refused_money / all_money') }}
            )
            || coalesce(': for example ' || example, '') as words,
            'see staging.stg_rejected_transactions; if numbers are written otherwise, '
            || 'correct source.decimal_separator or how the file writes them' as remedy,
        from dear_refusals
        where
            file_id is not null
            or not exists (
                select 1 from dear_refusals as of_file
                where
                    of_file.file_id is not null
                    and of_file.line_count
                    >= {{ doubt_limit('lines_of_one_file') }} * dear_refusals.line_count
            )
{%- endmacro %}


{#
    Steps of the doubts about refusals. Money of accepted lines is read of those files
    alone that have refused ones.
#}
{% macro doubted_refusals_steps(raw_lines) -%}
lines_of_files as materialized (

    select
        file_id,
        count(*) as line_count,
        count(*) filter (where amount < 0) as returned_count,
        coalesce(sum(abs(amount)), 0) as money,
    from {{ raw_lines }}
    where file_id in (select refused.file_id from refused)
    group by file_id

),

refused_of_files as materialized (

    select
        refused.*,
        delivered.line_count as all_lines,
        delivered.returned_count + refused.unreadable_returns as all_returns,
        delivered.money + refused.unreadable_money as all_money,
    from (
        select
            file_id,
            count(*) as line_count,
            coalesce(sum(abs(worth)), 0) as refused_money,
            coalesce(
                sum(abs(worth)) filter (where amount is null), 0
            ) as unreadable_money,
            count(*) filter (where worth < 0) as refused_returns,
            count(*) filter (
                where worth < 0 and amount is null
            ) as unreadable_returns,
            mode(reason order by reason) as reason,
            arg_max(example, (coalesce(abs(worth), 0), file_row)) as example,
            arg_max(example, (coalesce(abs(worth), 0), file_row)) filter (
                where worth < 0
            ) as returned_example,
            mode(reason order by reason) filter (
                where worth < 0
            ) as returned_reason,
        from refused
        group by grouping sets ((), (file_id))
    ) as refused
    inner join (
        select * from lines_of_files

        union all

        select
            null as file_id,
            (select whole_log.row_count from whole_log) as line_count,
            sum(returned_count) as returned_count,
            (
                select whole_log.money from whole_log
            ) + (
                select coalesce(sum(abs(refused.amount)), 0) from refused
            ) as money,
        from lines_of_files
    ) as delivered
        on refused.file_id is not distinct from delivered.file_id
    where refused.line_count > 0

),

-- few lines with much money
dear_refusals as (

    select * from refused_of_files
    where
        line_count >= {{ doubt_limit('refused_lines') }}
        and refused_money >= {{ doubt_limit('refused_money_share') }} * all_money
        and refused_money / nullif(all_money, 0)
        >= {{ doubt_limit('refused_money_to_rows') }} * line_count / all_lines

),
{%- endmacro %}


{# Most lines of one of several files are refused: it is written otherwise. #}
{% macro refused_file_doubt() -%}
select
            refused_of_files.file_id,
            refused_of_files.line_count / refused_of_files.all_lines as rows_share,
            refused_of_files.refused_money
            / nullif(refused_of_files.all_money, 0) as money_share,
            refused_of_files.example,
            format(
                '{} of {:,} are refused ({}), in other files fewer',
                {{ lines_in_words('refused_of_files.line_count') }},
                refused_of_files.all_lines, refused_of_files.reason
            )
            || coalesce(': for example ' || refused_of_files.example, '') as words,
            'see staging.stg_rejected_transactions; deliver the file as the others are '
            || 'written' as remedy,
        from refused_of_files
        inner join current_files
            on refused_of_files.file_id = current_files.file_id
        where
            current_files.file_count > 1
            and refused_of_files.line_count >= {{ doubt_limit('refused_lines') }}
            and refused_of_files.line_count
            >= {{ doubt_limit('refused_file_share') }} * refused_of_files.all_lines
{%- endmacro %}


{# Refused lines are nearly all returns there are, and hardly any sale. #}
{% macro refused_returns_doubt() -%}
select
            file_id,
            line_count / all_lines as rows_share,
            refused_money / all_money as money_share,
            returned_example as example,
            format(
                '{:,} of {:,} lines with a negative amount are refused ({}): returns and '
                || 'discounts are hardly taken off',
                refused_returns, all_returns, returned_reason
            )
            || coalesce(', for example ' || returned_example, '') as words,
            case
                when returned_reason = 'missing customer_id'
                    then
                        'source.columns.parent_order_id: the column in which a refund '
                        || 'names its order'
                else
                    'see staging.stg_rejected_transactions; if the minus is behind the '
                    || 'number or in brackets, correct how the file writes it'
            end as remedy,
        from refused_of_files
        where
            refused_returns >= {{ doubt_limit('refused_returns') }}
            and refused_returns
            >= {{ doubt_limit('refused_returns_share') }} * all_returns
            and line_count - refused_returns
            < {{ doubt_limit('refused_sales_share') }} * (all_lines - all_returns)
{%- endmacro %}
