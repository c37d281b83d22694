{#
    The cutoff of this build, from `--vars '{cutoff: 2011-06-30}'`. It is checked before
    any model runs. SQL reads it only as the typed literal that is made here.
#}
{% macro is_day(text) -%}
{%- set written = '(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' -%}
{%- if modules.re.fullmatch(written, text) -%}
    {%- set year, month, number = text.split('-') | map('int') -%}
    {%- set first_of_month = modules.datetime.date(year, month, 1) -%}
    {#- counted from the first of the month: 2011-02-30 becomes 2011-03-02 -#}
    {%- set day = first_of_month + modules.datetime.timedelta(days=number - 1) -%}
    {{ return(day.isoformat() == text) }}
{%- endif -%}
{{ return(false) }}
{%- endmacro %}


{% macro cutoff_date() -%}
{%- set cutoff = var('cutoff', none) | string -%}
{%- if is_day(cutoff) -%}
    cast('{{ cutoff }}' as date)
{%- elif not execute -%}
    {#- parsing builds no batch; it needs only SQL that can be parsed -#}
    cast(null as date)
{%- elif flags.WHICH in ['run', 'build', 'retry'] -%}
    {{ exceptions.raise_compiler_error(cutoff_refusal()) }}
{%- else -%}
    cast({{ newest_scored_cutoff() }} as date)
{%- endif -%}
{%- endmacro %}


{# What a command that only reads means without a cutoff: the newest scored, or NULL. #}
{% macro newest_scored_cutoff() -%}
{%- set batches = adapter.get_relation(target.database, 'marts', 'clv_batches') -%}
{%- set newest = run_query(
    "select max(cutoff) from " ~ batches ~ " where role = 'champion'"
).rows[0][0] if batches is not none else none -%}
{{ return("'" ~ newest ~ "'" if newest is not none else 'null') }}
{%- endmacro %}


{% macro cutoff_refusal() -%}
{%- set given = invocation_args_dict.get('vars') or {} -%}
{%- set unknown = given.keys() | reject('equalto', 'cutoff') | list -%}
{%- if unknown -%}
    --vars knows cutoff alone, not {{ unknown | join(', ') | string | tojson }}; write --vars '{cutoff: 2011-06-30}'
{%- elif 'cutoff' not in given -%}
    no cutoff{{ scored_cutoffs() or "; write --vars '{cutoff: 2011-06-30}'" }}
{%- elif not is_day(given['cutoff'] | string) -%}
    the cutoff is not a day; write it as YYYY-MM-DD: --vars '{cutoff: 2011-06-30}'
{%- endif -%}
{%- endmacro %}


{#
    Which cutoffs are scored and which is the next, in words; empty where dbt does not
    connect through ml/warehouse/plain_dbt.py, which knows the calendar.
#}
{% macro scored_cutoffs() -%}
{%- if execute and target.type == 'duckdb' -%}
    {{ return(run_query('select scored_cutoffs()').rows[0][0]) }}
{%- endif -%}
{{ return('') }}
{%- endmacro %}


{# Stops the command before any model when the cutoff is missing or no valid date. #}
{% macro check_cutoff() -%}
{%- if execute and flags.WHICH in ['run', 'build', 'test', 'retry'] -%}
    {#-
        models that depend only on files, on the ledger or on past batches (tags load,
        ledger, monitor, views) need no cutoff
    -#}
    {%- set no_cutoff = ['load', 'ledger', 'monitor', 'views'] -%}
    {%- set selection = namespace(models=0, without_cutoff=0, others=0) -%}
    {%- for unique_id in selected_resources -%}
        {%- if unique_id.startswith('model.') -%}
            {%- set selection.models = selection.models + 1 -%}
            {%- set tags = graph.nodes[unique_id].config.tags -%}
            {%- if tags | select('in', no_cutoff) | list -%}
                {%- set selection.without_cutoff = selection.without_cutoff + 1 -%}
            {%- endif -%}
        {%- elif not unique_id.startswith('unit_test.') -%}
            {%- set selection.others = selection.others + 1 -%}
        {%- endif -%}
    {%- endfor -%}
    {#- unit tests have their own cutoff -#}
    {%- set needed = selection.without_cutoff < selection.models
        or (selection.models == 0 and (selection.others or not selected_resources))
        or invocation_args_dict.get('vars') -%}
    {%- set given = invocation_args_dict.get('vars') -%}
    {%- set refusal = cutoff_refusal() | trim if needed else '' -%}
    {%- set only_tested = refusal and flags.WHICH == 'test' and not given -%}
    {%- set newest = newest_scored_cutoff() if only_tested else 'null' -%}
    {%- if newest != 'null' -%}
        {%- set words = 'Without a cutoff, the newest scored batch is tested: ' -%}
        {%- do log(words ~ newest, info=true) -%}
    {%- elif refusal -%}
        {{ exceptions.raise_compiler_error(refusal) }}
    {%- elif given and flags.WHICH == 'test' -%}
        {{ check_is_scored(var('cutoff') | string) }}
    {%- elif given -%}
        {{ check_data_reaches(var('cutoff') | string) }}
    {%- endif -%}
    {%- if flags.WHICH in ['run', 'build', 'retry'] -%}
        {{ check_whole_batch() }}
    {%- endif -%}
{%- endif -%}
{%- endmacro %}


{# Stops `dbt test` of a batch that is not there: without rows every test would pass. #}
{% macro check_is_scored(cutoff) -%}
{%- set batches = adapter.get_relation(target.database, 'marts', 'clv_batches') -%}
{%- set scored = batches is not none and run_query(
    'select 1 from ' ~ batches ~ ' where cutoff = ' ~ cutoff_date() ~ ' limit 1'
).rows -%}
{%- if not scored -%}
    {{ exceptions.raise_compiler_error(
        cutoff ~ ' is not scored' ~ (
            scored_cutoffs() or "; write dbt build --vars '{cutoff: " ~ cutoff ~ "}'"
        )
    ) }}
{%- endif -%}
{%- endmacro %}


{#
    Stops the command when it would write a part of a batch, a batch without its data tests,
    or empty tables. A mart of one cutoff beside scores of another would double or mix batches.
#}
{% macro check_whole_batch() -%}
{%- if invocation_args_dict.get('empty') or invocation_args_dict.get('sample') -%}
    {{ exceptions.raise_compiler_error(
        '--empty and --sample would write tables with lines missing; leave them out'
    ) }}
{%- endif -%}
{%- set kept_apart = [
    'training', 'load', 'monitor', 'ledger', 'views', 'verdicts', 'doubts'
] -%}
{%- set batch = namespace(models=[], marts=[], missing=[], untested=[]) -%}
{%- for node in graph.nodes.values() -%}
    {%- set of_batch = node.resource_type == 'model'
        and not (node.config.tags | select('in', kept_apart) | list) -%}
    {%- if of_batch and node.unique_id not in selected_resources -%}
        {%- do batch.missing.append(node.name) -%}
    {%- elif of_batch -%}
        {%- do batch.models.append(node.unique_id) -%}
        {%- do batch.marts.append(node.name) if node.config.schema == 'marts' -%}
    {%- endif -%}
{%- endfor -%}
{%- for test in graph.nodes.values() if test.resource_type == 'test' -%}
    {%- set is_selected = test.unique_id in selected_resources -%}
    {%- if test.attached_node in batch.models and not is_selected -%}
        {%- do batch.untested.append(test.name) -%}
    {%- endif -%}
{%- endfor -%}
{%- set call = "write dbt build --vars '{cutoff: " ~ var('cutoff', 'DAY') ~ "}'" -%}
{%- if batch.marts and batch.missing -%}
    {{ exceptions.raise_compiler_error(
        batch.marts[0] ~ ' is a part of a batch, and a batch is built as a whole: '
        ~ call ~ ' without --select and --exclude'
    ) }}
{%- elif batch.marts and batch.untested -%}
    {{ exceptions.raise_compiler_error(
        'a batch is published only after its data tests: ' ~ call ~ ', which runs them'
    ) }}
{%- endif -%}
{%- endmacro %}


{#
    Stops the command when the cutoff is outside the data. A batch after its end would be
    scored too early, and would stay; one before its beginning has no customers. A lone last
    day does not count (lone_last_day()); the last day of a warehouse of an earlier version
    does.
#}
{% macro check_data_reaches(cutoff) -%}
{%- set is_asked = target.type == 'duckdb' -%}
{%- set reach = adapter.get_relation(
    target.database, 'intermediate', 'int_data_reach'
) if is_asked else none -%}
{%- set days = adapter.get_relation(
    target.database, 'intermediate', 'int_customer_days'
) if is_asked else none -%}
{%- if days is not none -%}
    {%- set oldest = 'select min(activity_date) from ' ~ days -%}
    {%- set newest = 'select newest_date from ' ~ reach if reach is not none
        else 'select max(activity_date) from ' ~ days -%}
    {%- set found = run_query('select (' ~ oldest ~ '), (' ~ newest ~ ')').rows[0] -%}
    {%- if (found[1] | string) < cutoff -%}
        {{ exceptions.raise_compiler_error(
            'cutoff ' ~ cutoff ~ ': the data ends on ' ~ found[1] ~ '; it must reach ' ~ cutoff
        ) }}
    {%- elif cutoff < (found[0] | string) -%}
        {{ exceptions.raise_compiler_error(
            'cutoff ' ~ cutoff ~ ': the data begins on ' ~ found[0] ~ '; choose a later day'
        ) }}
    {%- endif -%}
{%- endif -%}
{%- endmacro %}
