{# Fails when two rows of one `within` have the same `number`, or a row has none. It
    marks 60 numbers as bits of one integer, which is much cheaper than a group per row.
#}
{% test unique_row_number(model, within, number) %}
select
    {{ within }},
    {{ number }} // 60 as block,
from {{ model }}
group by
    {{ within }},
    block
having count(*) <> coalesce(bit_count(bit_or(cast(1 as bigint) << cast({{ number }} % 60 as integer))), 0)
{% endtest %}
