"""Studies of older formats: one real file of each, made by the version that wrote it."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from core.store import StudyStore, migrate, writes
from core.store.schema import SCHEMA_VERSION
from core.study_file import LoadedStudy

OLD_STUDIES = Path(__file__).parents[3] / "support" / "old_studies"
FORMATS = range(1, SCHEMA_VERSION)
WARNING = (
    "a.csv: row 42 (nobody asked this) belongs to no row of the data, or stands there once too often, and is left out"
)


def version_of(path: Path) -> int:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def tables_of(path: Path) -> dict[str, list[tuple[str, str, int]]]:
    """Name, type and whether null is refused, of each column of each table."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [row[1:4] for row in connection.execute(f"PRAGMA table_info({name})")] for name in names}
    finally:
        connection.close()


@pytest.fixture(params=FORMATS)
def old_study(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the file of an older format."""
    path = tmp_path / "old.tercet"
    shutil.copyfile(OLD_STUDIES / f"format_{request.param}.tercet", path)
    assert version_of(path) == request.param
    return path


def warnings_of(store: StudyStore) -> list[str]:
    return [line.text for row in store.jobs() for line in store.log(row.job_id) if line.level == "warning"]


def test_an_older_study_is_brought_to_the_present_schema_with_all_that_it_holds(
    old_study: Path, predictions_study: LoadedStudy
) -> None:
    found = version_of(old_study)
    with StudyStore.open(old_study, write=True) as store:
        assert warnings_of(store) == [WARNING]
        lines = [line for row in store.jobs() for line in store.log(row.job_id)]
        assert {(line.code, tuple(line.values)) for line in lines} == {(None, ())}
        assert store.evidence().dataset is not None
    assert version_of(old_study) == SCHEMA_VERSION
    assert version_of(old_study.with_name(f"old.tercet.backup-{found}")) == found
    fresh = old_study.with_name("fresh.tercet")
    StudyStore.create(fresh, predictions_study.study, predictions_study.base, predictions_study.text).close()
    assert tables_of(old_study) == tables_of(fresh)


def test_a_migrated_study_takes_lines_with_their_codes(old_study: Path) -> None:
    with StudyStore.open(old_study, write=True) as store:
        job_id = store.jobs()[0].job_id
        known = store.log(job_id)
        line = {"job_id": job_id, "sequence": 900, "at": writes.now(), "level": "info", "text": "resumed"}
        with store.writing() as connection:
            writes.add_log(connection, [{**line, "code": "train.log.resumed", "values": {"step": 3}}])
        *before, added = store.log(job_id)
        assert before == known
        assert (added.code, added.values) == ("train.log.resumed", {"step": 3})


def test_an_older_study_can_be_read_and_stays_as_it_is(old_study: Path) -> None:
    before = {path.name: path.read_bytes() for path in old_study.parent.iterdir() if path.is_file()}
    with StudyStore.open(old_study, write=False) as store:
        assert warnings_of(store) == [WARNING]
        assert store.evidence().dataset is not None
    assert {path.name: path.read_bytes() for path in old_study.parent.iterdir() if path.is_file()} == before


def test_a_reader_goes_on_while_another_process_migrates_what_it_reads(old_study: Path) -> None:
    with StudyStore.open(old_study, write=False) as reader:
        StudyStore.open(old_study, write=True).close()
        assert warnings_of(reader) == [WARNING]


def test_a_migration_that_breaks_off_leaves_the_study_as_it_was(
    old_study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(name: str) -> object:
        raise OSError(28, "No space left on device")

    before = old_study.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "load", break_off)
        with pytest.raises(OSError, match="No space"):
            StudyStore.open(old_study, write=True)
    assert old_study.read_bytes() == before
    with StudyStore.open(old_study, write=True) as store, store.reading() as connection:
        assert connection.execute(text('SELECT count(*) FROM job_log WHERE "values" IS NULL')).scalar_one() > 0
