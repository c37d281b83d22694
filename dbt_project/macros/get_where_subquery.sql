{#
    Data tests of marts look at the batch that is being built, not at all history:
    `config: {where: this_cutoff}` stands for the cutoff of this build, `newest_load` for
    the rows that the newest load made or made again, `newest_files` for the lines it took in.
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
