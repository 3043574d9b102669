"""Connections to a study file: a fixed SQLite, write-ahead log, foreign keys, explicit transactions."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from core.store.schema import SCHEMA_VERSION

_BUSY_TIMEOUT_MS = 10_000
# What stands in for the tables of an older study that is read and not brought to the present schema: views of the
# connection alone, which go before the file's own tables. By the version from which on a table is as it is now.
_VIEWS_OF_OLDER = {
    2: 'CREATE TEMP VIEW job_log AS SELECT job_id, sequence, at, level, text, NULL AS code, NULL AS "values" '
    "FROM main.job_log",
}


def open_engine(path: Path, *, write: bool, version: int = SCHEMA_VERSION) -> Engine:
    """An engine on an existing or new study file; `version` is that of the schema of a file that is only read.

    Reading leaves no trace: without a write-ahead log beside the file it is opened as immutable, which creates none.
    An older study reads as one of the present schema.
    """
    quoted = quote(str(path.resolve()))
    if write:
        options = "mode=rwc"
    else:
        log = path.with_name(path.name + "-wal")
        options = "mode=ro" if log.exists() and log.stat().st_size > 0 else "mode=ro&immutable=1"
    engine = create_engine(
        f"sqlite:///file:{quoted}?{options}&uri=true",
        module=dbapi2,
        poolclass=QueuePool if write else NullPool,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_writer if write else partial(_prepare_reader, version=version))
    event.listen(engine, "begin", _begin_immediate if write else _begin)
    return engine


def _prepare(connection: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")


def _prepare_reader(connection: Any, _record: Any, *, version: int) -> None:
    _prepare(connection)
    connection.execute("PRAGMA temp_store = MEMORY")
    for present, view in _VIEWS_OF_OLDER.items():
        if version < present:
            connection.execute(view)


def _prepare_writer(connection: Any, _record: Any) -> None:
    _prepare(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    # An acknowledged result is durable: the log is flushed at each commit.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
