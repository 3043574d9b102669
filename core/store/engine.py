"""Connections to a study file: a fixed SQLite, write-ahead log, foreign keys, explicit transactions."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

_BUSY_TIMEOUT_MS = 10_000


def open_engine(path: Path, *, write: bool) -> Engine:
    """An engine on an existing or new study file.

    Reading leaves no trace: without a write-ahead log beside the file it is opened as immutable, which creates none.
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
    event.listen(engine, "connect", _prepare_writer if write else _prepare_reader)
    event.listen(engine, "begin", _begin_immediate if write else _begin)
    return engine


def _prepare_reader(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")


def _prepare_writer(connection: Any, record: Any) -> None:
    _prepare_reader(connection, record)
    connection.execute("PRAGMA journal_mode = WAL")
    # An acknowledged result is durable: the log is flushed at each commit.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
