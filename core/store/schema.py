"""The tables of a study file. A change here needs a new numbered migration."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

APPLICATION_ID = 0x54524354  # "TRCT"
SCHEMA_VERSION = 2

metadata = MetaData()


def _job_key() -> Column[str]:
    return Column("job_id", String, ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True)


study = Table(
    "study",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("spec", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("revision", Integer, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("candidates", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("progress", Float, nullable=False),
    Column("step", Integer, nullable=False),
    Column("total_steps", Integer, nullable=False),
    Column("phase", String),
    Column("remaining_s", Float),
    Column("message_code", String),
    Column("message_values", JSON, nullable=False),
    Column("message_text", Text),
    Column("created_at", String, nullable=False),
    Column("started_at", String),
    Column("finished_at", String),
    Column("superseded", Boolean, nullable=False),
    Column("depends_on", JSON, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("last_sequence", Integer, nullable=False),
)

candidate_jobs = Table(
    "candidate_jobs",
    metadata,
    Column("candidate", String, primary_key=True),
    Column("part", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
)

job_results = Table("job_results", metadata, _job_key(), Column("document", JSON, nullable=False))

job_metrics = Table(
    "job_metrics",
    metadata,
    _job_key(),
    Column("sequence", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("value", Float, nullable=False),
)

job_log = Table(
    "job_log",
    metadata,
    _job_key(),
    Column("sequence", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("level", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("code", String),
    Column("values", JSON(none_as_null=True)),
)

examples = Table(
    "examples",
    metadata,
    _job_key(),
    Column("example_id", String, primary_key=True),
    Column("ordinal", Integer, nullable=False),
    Column("split", String, nullable=False),
    Column("group_key", String, nullable=False),
    Column("input", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("slices", JSON, nullable=False),
)

predictions = Table(
    "predictions",
    metadata,
    _job_key(),
    Column("example_id", String, primary_key=True),
    Column("output", Text),
    Column("score", Float, nullable=False),
    Column("confidence", Float),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("latency_ms", Float),
)
