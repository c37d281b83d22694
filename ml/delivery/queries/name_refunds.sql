-- the refunds of parent_orders get the customer of their order
update raw.transactions as refunds
set customer_id = parent_orders.customer_id
from parent_orders
where
    refunds.file_id = parent_orders.file_id
    and refunds.file_row = parent_orders.file_row
