"""What dbt calls `modules`, for sqlfluff, which renders the models without dbt."""

import re

__all__ = ["re"]
