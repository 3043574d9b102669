"""The first schema. A migration imports no live code, so that it means the same for ever."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _job_key() -> sa.Column[str]:
    return sa.Column("job_id", sa.String, sa.ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)


def upgrade() -> None:
    """Create every table of version 1."""
    _create_study_and_jobs()
    _create_results()
    _create_rows()


def _create_study_and_jobs() -> None:
    op.create_table(
        "study",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("updated_at", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("candidates", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("total_steps", sa.Integer, nullable=False),
        sa.Column("phase", sa.String),
        sa.Column("remaining_s", sa.Float),
        sa.Column("message_code", sa.String),
        sa.Column("message_values", sa.JSON, nullable=False),
        sa.Column("message_text", sa.Text),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("started_at", sa.String),
        sa.Column("finished_at", sa.String),
        sa.Column("superseded", sa.Boolean, nullable=False),
        sa.Column("depends_on", sa.JSON, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("last_sequence", sa.Integer, nullable=False),
    )
    op.create_table(
        "candidate_jobs",
        sa.Column("candidate", sa.String, primary_key=True),
        sa.Column("part", sa.String, primary_key=True),
        sa.Column("job_id", sa.String, sa.ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    )


def _create_results() -> None:
    op.create_table("job_results", _job_key(), sa.Column("document", sa.JSON, nullable=False))
    op.create_table(
        "job_metrics",
        _job_key(),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
    )
    op.create_table(
        "job_log",
        _job_key(),
        sa.Column("sequence", sa.Integer, primary_key=True),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )


def _create_rows() -> None:
    op.create_table(
        "examples",
        _job_key(),
        sa.Column("example_id", sa.String, primary_key=True),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("split", sa.String, nullable=False),
        sa.Column("group_key", sa.String, nullable=False),
        sa.Column("input", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("slices", sa.JSON, nullable=False),
    )
    op.create_table(
        "predictions",
        _job_key(),
        sa.Column("example_id", sa.String, primary_key=True),
        sa.Column("output", sa.Text),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("confidence", sa.Float),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("latency_ms", sa.Float),
    )
