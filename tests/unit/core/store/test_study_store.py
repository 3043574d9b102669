"""Opening, refusing and keeping study files."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import UserError
from core.store import StudyStore
from core.store.schema import APPLICATION_ID, SCHEMA_VERSION
from core.study_file import LoadedStudy, parse_study


def create(path: Path, loaded: LoadedStudy) -> StudyStore:
    return StudyStore.create(path, loaded.study, loaded.base, loaded.text)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_created_study_reads_back_as_written(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    create(tmp_path / "a.tercet", predictions_study).close()
    with StudyStore.open(tmp_path / "a.tercet", write=False) as store:
        assert store.study() == predictions_study.study
        assert store.text() == predictions_study.text
        assert store.base() == predictions_study.base
        assert store.jobs() == []


def test_a_stored_study_keeps_a_name_that_would_be_refused_today(
    tmp_path: Path, predictions_study: LoadedStudy
) -> None:
    named = [predictions_study.study.candidates[0].model_copy(update={"name": "two  blanks"})]
    odd = predictions_study.study.model_copy(update={"candidates": named})
    create(tmp_path / "a.tercet", replace(predictions_study, study=odd)).close()
    with StudyStore.open(tmp_path / "a.tercet", write=False) as store:
        assert store.study().candidates[0].name == "two  blanks"


def test_a_study_that_was_moved_with_its_data_finds_them_beside_it(
    tmp_path: Path, predictions_study: LoadedStudy
) -> None:
    (tmp_path / "here").mkdir()
    StudyStore.create(
        tmp_path / "here" / "a.tercet", predictions_study.study, tmp_path / "here", predictions_study.text
    ).close()
    (tmp_path / "here").rename(tmp_path / "there")
    with StudyStore.open(tmp_path / "there" / "a.tercet", write=False) as store:
        assert store.base() == tmp_path / "there"


def test_defaults_are_still_told_from_what_the_user_set(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    create(tmp_path / "a.tercet", predictions_study).close()
    with StudyStore.open(tmp_path / "a.tercet", write=False) as store:
        read = store.study()
    assert "monthly_requests" in read.criteria.cost.model_fields_set
    assert "horizon_months" not in read.criteria.cost.model_fields_set
    assert "quality_margin" not in read.criteria.service.model_fields_set


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    create(tmp_path / "a.tercet", predictions_study).close()
    before = files(tmp_path)
    with StudyStore.open(tmp_path / "a.tercet", write=False) as store:
        store.evidence()
    assert files(tmp_path) == before


def test_header_marks_the_file_as_ours(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    create(tmp_path / "a.tercet", predictions_study).close()
    connection = sqlite3.connect(tmp_path / "a.tercet")
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\x00" + b"\x00" * 200])
def test_foreign_file_is_refused_and_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.tercet"
    path.write_bytes(content)
    for write in (True, False):
        with pytest.raises(UserError, match="not a Tercet study"):
            StudyStore.open(path, write=write)
    assert files(tmp_path) == {"other.tercet": content}


def test_newer_file_is_refused_and_left_untouched(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    path = tmp_path / "a.tercet"
    create(path, predictions_study).close()
    data = bytearray(path.read_bytes())
    data[60:64] = (SCHEMA_VERSION + 1).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="newer version"):
        StudyStore.open(path, write=True)
    assert path.read_bytes() == bytes(data)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such study"):
        StudyStore.open(tmp_path / "none.tercet", write=False)


def test_damaged_file_is_refused_for_writing(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    path = tmp_path / "a.tercet"
    create(path, predictions_study).close()
    data = bytearray(path.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="damaged"):
        StudyStore.open(path, write=True)


def test_second_writer_is_refused_and_a_reader_is_not(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    path = tmp_path / "a.tercet"
    with create(path, predictions_study) as writer:
        with pytest.raises(UserError, match="another Tercet"):
            StudyStore.open(path, write=True)
        with StudyStore.open(path, write=False) as reader:
            before = reader.data_version()
        writer.save_study(predictions_study.study, predictions_study.base, "other text")
        with StudyStore.open(path, write=False) as reader:
            assert reader.data_version() > before
            assert reader.text() == "other text"
            with pytest.raises(UserError, match="reading only"):
                reader.save_study(predictions_study.study, predictions_study.base, "x")


def test_existing_file_is_not_overwritten(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    create(tmp_path / "a.tercet", predictions_study).close()
    with pytest.raises(UserError, match="exists already"):
        create(tmp_path / "a.tercet", predictions_study)
    with pytest.raises(UserError, match="folder"):
        create(tmp_path / "none" / "a.tercet", predictions_study)


def test_change_of_criteria_keeps_what_was_measured(tmp_path: Path, predictions_study: LoadedStudy) -> None:
    from core.jobs.session import StudySession

    text = predictions_study.text
    with create(tmp_path / "a.tercet", predictions_study) as store:
        StudySession(store).sync()
        assert store.candidate_jobs()
        cheaper = parse_study(text.replace("monthly_budget: 5000", "monthly_budget: 50"), "s")
        store.save_study(cheaper, predictions_study.base, text)
        assert store.candidate_jobs()
        other = parse_study(text.replace("seed: 3", "seed: 4"), "s")
        store.save_study(other, predictions_study.base, text)
        assert store.candidate_jobs() == {}
