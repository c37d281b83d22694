{# Fails when two rows of one `within` have the same `number`, or one has none: marks 60
    numbers in a word, which is many times cheaper than a group per row.
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
