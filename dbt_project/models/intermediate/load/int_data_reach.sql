{{ config(materialized='view') }}

{{ lone_last_day(ref('int_day_fingerprints')) }}
