{#
    Whether a customer belongs to a sample that holds `share` of all customers (0-1): by a
    hash of the id, so that the same customers are in it at every cutoff, and those of a
    smaller share are in every larger one.
#}
{% macro is_in_sample(customer_id, share) -%}
cast(md5_number_lower({{ customer_id }}) as double) / 18446744073709551616 < {{ share }}
{%- endmacro %}
