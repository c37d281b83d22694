-- who was forgotten, as hashes, and how many lines of a file were left out for them
create schema if not exists raw;

create table if not exists raw.tombstones (digest varchar not null);

create table if not exists raw.forgotten_lines (
    file_id integer not null,
    line_count bigint not null
);
