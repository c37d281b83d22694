"""What dbt calls `modules`, for sqlfluff, which renders the models without dbt."""

import datetime
import re

__all__ = ["datetime", "re"]
