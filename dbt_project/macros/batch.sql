{#
    A batch is the rows of one cutoff and one model. A mart is replaced batch by batch:
    the pre-hook removes the batch that is about to be built, in the same transaction,
    so that building it again doubles nothing and customers who left it are gone.
    On Spark the batch is a partition, which the new one replaces (replace_partitions()).
#}
{% macro delete_batch() -%}
{%- if is_incremental() and target.type == 'duckdb' -%}
    delete from {{ this }}
    where
        cutoff = {{ cutoff_date() }}
        and model_id in (select model_id from {{ ref('int_scoring_models') }})
{%- endif -%}
{%- endmacro %}


{# The same for a mart without models: one batch is one cutoff. #}
{% macro delete_cutoff() -%}
{%- if is_incremental() and target.type == 'duckdb' -%}
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


{#
    Removes batches whose label window is measured anew: late rows, or a batch that was
    scored again, made a new revision.
#}
{% macro delete_remeasured() -%}
{%- if is_incremental() and target.type == 'duckdb' -%}
    delete from {{ this }}
    where
        exists (
            select 1 from {{ ref('int_matured_windows') }} as windows
            where
                {{ this.identifier }}.cutoff = windows.cutoff
                and {{ this.identifier }}.model_id = windows.model_id
                and {{ this.identifier }}.revision < windows.revision
        )
{%- endif -%}
{%- endmacro %}


{# Removes batches whose label window is open: they are brought to the newest day. #}
{% macro delete_open_windows() -%}
{%- if is_incremental() and target.type == 'duckdb' -%}
    delete from {{ this }}
    where (cutoff, model_id) in (
        select cutoff, model_id from {{ ref('batch_windows') }}
        where not has_matured
    )
{%- endif -%}
{%- endmacro %}


{# Condition that keeps measurements which the incremental model does not have yet. #}
{% macro is_not_in_this_yet() -%}
(cutoff, model_id, revision) not in (
    select
        cutoff,
        model_id,
        revision,
    from {{ this }}
)
{%- endmacro %}
