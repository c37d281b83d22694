{#
    Why a delivered line is refused; NULL when it is accepted. It is the one rule for
    both kinds of lines. Reads the columns of raw.transactions and loaded_on.
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
        customer_id is null
        -- most ids are longer than these words: to trim only the short ones is faster
        or lower(
            case
                when
                    length(customer_id) <= 4
                    or customer_id like ' %'
                    or customer_id like '% '
                    then trim(customer_id)
            end
        ) in (
            '', 'na', 'n/a', '<na>', 'nan', 'nat', 'none', 'null'
        )
        then 'missing customer_id'
    when ordered_at is null then 'missing ordered_at'
    -- a barcode that was scanned into the quantity has 11 digits or more
    when abs(quantity) >= 10000000000 then 'quantity out of range'
    when amount is null and quantity is not null and unit_price is not null
        then 'amount out of range'
    when amount is null then 'missing amount'
    when unit_price < 0 then 'negative unit_price'
    -- an empty cell often becomes 1970-01-01, or in spreadsheets 1900-01-00
    when ordered_at < make_timestamp(1970, 1, 2, 0, 0, 0) then 'ordered_at before 1970'
    when cast(ordered_at as date) > loaded_on then 'ordered_at in the future'
end
{%- endmacro %}
