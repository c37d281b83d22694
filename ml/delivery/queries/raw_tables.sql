-- the tables of delivered files; a load changes nothing but them
create schema if not exists raw;

create table if not exists raw.files (
    file_id integer not null,
    file_name varchar not null,
    content_sha256 varchar not null,
    reading_sha256 varchar not null,
    row_count bigint not null,
    first_day date,
    last_day date,
    loaded_on date not null,
    load_id integer not null,
    is_current boolean not null,
    currency varchar
);

create table if not exists raw.transactions (
    file_id integer not null,
    file_row bigint not null,
    customer_id varchar,
    order_id varchar,
    ordered_at timestamp,
    product_id varchar,
    quantity decimal(18, 4),
    unit_price decimal(18, 4),
    amount decimal(18, 4),
    unreadable varchar,
    parent_order_id varchar,
    currency varchar,
    delivered varchar
);

create table if not exists raw.left_out_lines (
    file_id integer not null,
    column_name varchar not null,
    value varchar not null,
    line_count bigint not null,
    amount decimal(38, 4)
);

create table if not exists raw.training_requests (
    training_cutoff date not null,
    history_months integer not null,
    pred_months integer not null
);
