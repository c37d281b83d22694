{#
    The cutoff of this build: `--vars '{cutoff: 2011-06-30}'`. It is checked before any
    model runs and reaches SQL only as the typed literal made here.
#}
{% macro is_day(text) -%}
{%- set written = '(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' -%}
{%- if modules.re.fullmatch(written, text) -%}
    {%- set year, month, number = text.split('-') | map('int') -%}
    {%- set first_of_month = modules.datetime.date(year, month, 1) -%}
    {#- counted from the first of the month: past its end the month is another -#}
    {%- set day = first_of_month + modules.datetime.timedelta(days=number - 1) -%}
    {{ return(day.isoformat() == text) }}
{%- endif -%}
{{ return(false) }}
{%- endmacro %}


{% macro cutoff_date() -%}
{%- set cutoff = var('cutoff', none) | string -%}
{%- if is_day(cutoff) -%}
    cast('{{ cutoff }}' as date)
{%- elif flags.WHICH in ['run', 'build', 'test', 'retry'] and execute -%}
    {{ exceptions.raise_compiler_error(cutoff_refusal()) }}
{%- else -%}
    {#- docs, compile and list need SQL that parses, not a batch -#}
    cast(null as date)
{%- endif -%}
{%- endmacro %}


{% macro cutoff_refusal() -%}
{%- set given = invocation_args_dict.get('vars') or {} -%}
{%- set unknown = given.keys() | reject('equalto', 'cutoff') | list -%}
{%- if unknown -%}
    --vars knows cutoff alone, not {{ unknown | join(', ') | string | tojson }}; write --vars '{cutoff: 2011-06-30}'
{%- elif 'cutoff' not in given -%}
    no cutoff; write --vars '{cutoff: 2011-06-30}'
{%- elif not is_day(given['cutoff'] | string) -%}
    the cutoff is not a day; write it as YYYY-MM-DD: --vars '{cutoff: 2011-06-30}'
{%- endif -%}
{%- endmacro %}


{# Stops the command before any model when the cutoff is missing, misspelt or no day. #}
{% macro check_cutoff() -%}
{%- if execute and flags.WHICH in ['run', 'build', 'test', 'retry'] -%}
    {#-
        what depends on files, ledger or past batches alone (tags load, ledger, monitor)
        needs no cutoff
    -#}
    {%- set selection = namespace(models=0, without_cutoff=0, others=0) -%}
    {%- for unique_id in selected_resources -%}
        {%- if unique_id.startswith('model.') -%}
            {%- set selection.models = selection.models + 1 -%}
            {%- set tags = graph.nodes[unique_id].config.tags -%}
            {%- if 'load' in tags or 'ledger' in tags or 'monitor' in tags -%}
                {%- set selection.without_cutoff = selection.without_cutoff + 1 -%}
            {%- endif -%}
        {%- elif not unique_id.startswith('unit_test.') -%}
            {%- set selection.others = selection.others + 1 -%}
        {%- endif -%}
    {%- endfor -%}
    {#- unit tests bring their own cutoff -#}
    {%- set needed = selection.without_cutoff < selection.models
        or (selection.models == 0 and (selection.others or not selected_resources))
        or invocation_args_dict.get('vars') -%}
    {%- set refusal = cutoff_refusal() | trim -%}
    {%- if refusal and needed -%}
        {{ exceptions.raise_compiler_error(refusal) }}
    {%- elif not refusal -%}
        {{ check_data_reaches(var('cutoff') | string) }}
    {%- endif -%}
{%- endif -%}
{%- endmacro %}


{#
    Stops the command when the days that are built end before the cutoff: its batch would
    stay.
#}
{% macro check_data_reaches(cutoff) -%}
{%- set days = adapter.get_relation(
    target.database, 'intermediate', 'int_customer_days'
) if target.type == 'duckdb' else none -%}
{%- if days is not none -%}
    {%- set found = run_query('select max(activity_date) from ' ~ days) -%}
    {%- set newest = found.rows[0][0] | string -%}
    {%- if newest < cutoff -%}
        {{ exceptions.raise_compiler_error(
            'cutoff ' ~ cutoff ~ ': the data ends on ' ~ newest ~ '; it must reach ' ~ cutoff
        ) }}
    {%- endif -%}
{%- endif -%}
{%- endmacro %}
