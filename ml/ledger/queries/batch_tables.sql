-- tables that hold rows of batches, quoted, and whether the rows are of measurements;
-- tables of trainings have a cutoff and no model
with columns_of_tables as (

    select
        tables.schema_name,
        tables.table_name,
        list(columns.column_name) as column_names,
    from duckdb_tables() as tables
    inner join duckdb_columns() as columns
        on
            tables.schema_name = columns.schema_name
            and tables.table_name = columns.table_name
    where tables.schema_name in ('intermediate', 'marts', 'ml')
    group by
        tables.schema_name,
        tables.table_name

)

select
    format('"{}"."{}"', schema_name, table_name) as table_name,
    list_contains(column_names, 'revision') as is_measured,
from columns_of_tables
where
    list_contains(column_names, 'cutoff')
    and (list_contains(column_names, 'model_id') or schema_name = 'marts')
order by table_name
