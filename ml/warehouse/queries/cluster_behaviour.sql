-- the mart of a warehouse of an earlier version, which every later batch fills
create table if not exists marts.clv_cluster_behaviour (
    cluster_id integer,
    cutoff date,
    model_id varchar,
    cluster_name varchar,
    behaviour varchar,
    cluster_median double,
    overall_median double
);
