{#
    A batch is the rows of one cutoff and one model. A mart is replaced batch by batch:
    the pre-hook removes the batch that is about to be built, in the same transaction,
    so that building it again doubles nothing and customers who left it are gone.
#}
{% macro delete_batch() -%}
{%- if is_incremental() -%}
    delete from {{ this }}
    where
        cutoff = {{ cutoff_date() }}
        and model_id in (select model_id from {{ ref('int_scoring_models') }})
{%- endif -%}
{%- endmacro %}


{# The same for a mart without models: one batch is one cutoff. #}
{% macro delete_cutoff() -%}
{%- if is_incremental() -%}
    delete from {{ this }} where cutoff = {{ cutoff_date() }}
{%- endif -%}
{%- endmacro %}


{# Rows of the champion's batch that is being built, in a mart that holds many. #}
{% macro in_champion_batch() -%}
cutoff = {{ cutoff_date() }}
and model_id = (
    select model_id from {{ ref('int_scoring_models') }}
    where role = 'champion'
)
{%- endmacro %}
