{#
    Why a delivered line is refused; NULL when it is accepted. It is the one rule for
    all kinds of lines; a load asks it too, to keep the texts of what is refused. Reads the
    columns of raw.transactions, loaded_on and file_currency.
#}
{% macro rejection_reason() -%}
case
    when
        unreadable like 'fewer values than the header%'
        or unreadable like 'more values than the header%'
        then 'wrong number of values'
    when unreadable like 'amount too small=%' then 'amount too small'
    when unreadable is not null
        then 'unreadable ' || split_part(unreadable, '=', 1)
    when
        customer_id is null and parent_order_id is not null
        then 'parent order not counted'
    when
        customer_id is null
        -- no word begins with a digit or with a letter before N: to ask that first is faster
        or lower(
            case
                when
                    not (
                        (customer_id >= '0' and customer_id < ':')
                        or (customer_id >= 'A' and customer_id < 'N')
                        or (customer_id >= 'a' and customer_id < 'n')
                    )
                    and length(customer_id) <= 12
                    then trim(customer_id)
            end
        ) in (
            '', 'na', 'n/a', 'n.a.', 'nan', 'nat', 'nil', 'none', 'null', 'undefined',
            '-', '--', '–', '—', '.', '?', chr(92) || 'n', '(null)', '(none)', '(blank)',
            '(empty)', '<na>', '<null>', '<none>', '#n/a', '#na', '#nv', '#null!', '#ref!',
            '#value!', '#name?', '#num!', '#div/0!'
        )
        then 'missing customer_id'
    when ordered_at is null then 'missing ordered_at'
    -- a barcode that was scanned into the quantity has 11 digits or more
    when abs(quantity) >= 10000000000 then 'quantity out of range'
    when amount is null and quantity is not null and unit_price is not null
        then 'amount out of range'
    when amount is null then 'missing amount'
    when currency <> file_currency then 'other currency'
    when unit_price < 0 then 'negative unit_price'
    -- an empty cell often becomes 1970-01-01, or in spreadsheets 1900-01-00
    when ordered_at < make_timestamp(1970, 1, 2, 0, 0, 0) then 'ordered_at before 1970'
    when cast(ordered_at as date) > loaded_on then 'ordered_at in the future'
end
{%- endmacro %}
