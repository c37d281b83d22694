{# Fails when is_day() accepts a text that is not a valid date as YYYY-MM-DD, or refuses
    a valid one.
#}
{{ config(tags=['macro']) }}

{%- set days = ['2011-06-30', '2012-02-29', '2000-02-29', '0001-01-01', '9999-12-31'] %}
{%- set others = [
    '2011-02-29', '1900-02-29', '2011-02-30', '2011-04-31', '2011-13-01', '2011-00-10',
    '2011-01-00', '0000-01-01', '0001-01-00', '9999-12-32', '2011-6-30',
    '20110630', '2011-06-30 ', ' 2011-06-30', '2011-06-30\n', '2011-06-30 00:00:00',
    '٢٠١١-٠٦-٣٠', '', 'None', "2011-06-30'--",
] %}

with cases as (

    {%- for text in days + others %}
        select
            {{ loop.index }} as case_number,
            {{ 'true' if text in days else 'false' }} as expected,
            {{ 'true' if is_day(text) else 'false' }} as found,
        {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from cases
where found <> expected
