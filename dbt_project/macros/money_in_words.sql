{#
    SQL of an amount of money in words, with groups and the sign of the currency: `$1,234`,
    `-CHF 20`. It is whole, or has all decimals if they are more than four. `mark` is
    currency_mark of stg_currency.
#}
{% macro money_in_words(amount, mark) -%}
{%- set decimals = money_decimals() if money_decimals() > 4 else 0 -%}
case when {{ amount }} < 0 then '-' else '' end
|| {{ mark }}
|| format('{:,.{{ decimals }}f}', abs(cast({{ amount }} as double)))
{%- endmacro %}
