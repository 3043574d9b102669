"""Lines of logs keep the code and the values of their sentence. Those of before have their English text alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add two columns, empty in every row that is there."""
    op.add_column("job_log", sa.Column("code", sa.String))
    op.add_column("job_log", sa.Column("values", sa.JSON))
