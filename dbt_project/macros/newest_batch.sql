{#
    The champion's newest batch, for queries that people start from. A cutoff that two
    champions have scored counts as the later champion's; challengers never count. With
    `back` 1 it is the batch of the cutoff before, and so on.
#}
{% macro champion_batch(back=0) -%}
(
    select
        batches.cutoff,
        batches.model_id,
    from {{ ref('clv_batches') }} as batches
    inner join {{ ref('champion_manifest') }} as ledger
        on batches.model_id = ledger.model_id
    where batches.role = 'champion'
    qualify
        row_number() over (
            partition by batches.cutoff
            order by ledger.ledger_row desc
        ) = 1
    order by batches.cutoff desc
    limit 1 offset {{ back }}
)
{%- endmacro %}
