{# A schema has its own name (marts, staging, …) and no prefix from the profile. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
{{ custom_schema_name or target.schema }}
{%- endmacro %}
