{#
    Value of a refused line, as a DOUBLE: its amount, or what the text says that could not
    be read; NULL when that is no number either. It tells how much money is not counted,
    and nothing else reads it.
#}
{% macro estimated_amount() -%}
coalesce(
    cast(amount as double),
    {{ number_in_text("regexp_extract(unreadable, '(?:^|; )amount=([^;]*)', 1)") }},
    cast(quantity as double)
    * {{ number_in_text("regexp_extract(unreadable, '(?:^|; )unit_price=([^;]*)', 1)") }},
    cast(unit_price as double)
    * {{ number_in_text("regexp_extract(unreadable, '(?:^|; )quantity=([^;]*)', 1)") }}
)
{%- endmacro %}


{#
    The number that a person would see in a text such as `1.234,50-` or `(99.90)`. One or
    two digits after the last point or comma are decimals, three are thousands. NULL
    without digits, and with more than 15: that is a barcode.
#}
{% macro number_in_text(text) -%}
case
    when length(regexp_replace({{ text }}, '[^0-9]', '', 'g')) between 1 and 15
        then
            cast(regexp_replace({{ text }}, '[^0-9]', '', 'g') as double)
            / power(
                10,
                length(
                    regexp_extract({{ text }}, '[.,]([0-9]{1,2}|[0-9]{4,})[^0-9]*$', 1)
                )
            )
            * case when regexp_matches({{ text }}, '[-(−–]') then -1 else 1 end
end
{%- endmacro %}
