-- columns of schema raw that warehouses of earlier versions lack; `load` adds them too
alter table raw.files add column if not exists currency varchar;

alter table raw.transactions add column if not exists parent_order_id varchar;

alter table raw.transactions add column if not exists currency varchar;

alter table raw.transactions add column if not exists delivered varchar;
