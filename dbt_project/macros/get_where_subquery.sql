{#
    Data tests of marts look only at the batch that is being built, not at all batches.
    With `config: {where: this_cutoff}` a test reads the rows of the cutoff of this
    build. With `newest_load` it reads the rows that the newest load made or made again.
    With `newest_files` it reads the lines that the newest load read.
#}
{% macro get_where_subquery(relation) -%}
{%- set where = config.get('where') -%}
{%- if where == 'this_cutoff' -%}
    (select * from {{ relation }} where cutoff = {{ cutoff_date() }}) as batch
{%- elif where == 'newest_load' -%}
    (
        select * from {{ relation }}
        where load_id = (select max(load_id) from {{ relation }})
    ) as newest_load
{%- elif where == 'newest_files' -%}
    (
        select * from {{ relation }}
        where
            file_id in (
                select file_id from {{ source('raw', 'files') }}
                where load_id = (select max(load_id) from {{ source('raw', 'files') }})
            )
    ) as newest_files
{%- elif where -%}
    (select * from {{ relation }} where {{ where }}) as tested
{%- else -%}
    {{ relation }}
{%- endif -%}
{%- endmacro %}
