{#
    Whether a customer is in a sample that holds `share` of all customers (0-1). A hash
    of the id decides. So the same customers are in it at every cutoff, and a sample of
    10 % is part of the sample of 20 %.
#}
{% macro is_in_sample(customer_id, share) -%}
cast(md5_number_lower({{ customer_id }}) as double) / 18446744073709551616 < {{ share }}
{%- endmacro %}
