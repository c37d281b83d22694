{#
    The champion's newest batch, for queries that people start from. With `back` 1 it is
    the batch of the cutoff before, and so on.
#}
{% macro champion_batch(back=0) -%}
(
    select
        cutoff,
        model_id,
    from {{ ref('champion_batches') }}
    where speaks_for_cutoff
    order by cutoff desc
    limit 1 offset {{ back }}
)
{%- endmacro %}
