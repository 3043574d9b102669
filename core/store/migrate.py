"""Bringing a study file to the present schema, whole or not at all, after a verified backup."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from pysqlite3 import dbapi2
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from core.errors import UserError
from core.i18n import english
from core.lazy import load
from core.store.schema import APPLICATION_ID, SCHEMA_VERSION


def migrate(path: Path, found_version: int) -> None:
    """Upgrade the file at `path` from `found_version` (0 for a new file) to the present schema.

    An older study is first copied to `NAME.tercet.backup-N` with `VACUUM INTO` and the copy is checked. Foreign keys
    stay off meanwhile, for Alembic's batch mode would cascade deletes. Raises UserError where the file is damaged.
    """
    if found_version == SCHEMA_VERSION:
        return
    if found_version > 0:
        _back_up(path, found_version)
    engine = create_engine(f"sqlite:///{path}", module=dbapi2, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _explicit_transactions(connection: dbapi2.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = OFF")

    @event.listens_for(engine, "begin")
    def _begin(connection: object) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # type: ignore[attr-defined]

    with engine.begin() as connection:
        config = load("alembic.config").Config()
        config.set_main_option("script_location", str(files("core.store").joinpath("migrations")))
        config.attributes["connection"] = connection
        load("alembic.command").upgrade(config, "head")
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise UserError(
                "store.corrupt", path=str(path), problem=english("store.corrupt.dangling", count=len(broken))
            )
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    engine.dispose()


def _back_up(path: Path, version: int) -> None:
    backup = path.with_name(f"{path.name}.backup-{version}")
    backup.unlink(missing_ok=True)
    connection = dbapi2.connect(str(path))
    try:
        connection.execute("VACUUM INTO ?", (str(backup),))
    finally:
        connection.close()
    check_integrity(backup)


def check_integrity(path: Path) -> None:
    """Raises UserError where SQLite finds the file damaged."""
    connection = dbapi2.connect(f"file:{path}?mode=ro", uri=True)
    try:
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except dbapi2.DatabaseError as error:
        raise UserError("store.corrupt", path=str(path), problem=str(error)) from error
    finally:
        connection.close()
    if problem != "ok":
        raise UserError("store.corrupt", path=str(path), problem=str(problem))
