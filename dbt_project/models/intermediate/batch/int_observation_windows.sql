-- champion and challenger may read the same window; its features are computed only once
select * from {{ distinct_windows(ref('int_scoring_models')) }}
