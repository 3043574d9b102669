import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.examples import read_examples, write_examples
from core.data.fingerprint import fingerprint
from core.data.predictions import read_predictions, write_predictions
from core.domain import Example, Prediction, Split
from core.errors import UserError

text = st.text(st.characters(codec="utf-8"), max_size=20)
examples = st.builds(
    Example, text, st.sampled_from(Split), text, text, text, st.lists(st.tuples(text, text), max_size=2).map(tuple)
)


@given(st.lists(examples, max_size=5))
def test_examples_read_back_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, rows: list[Example]) -> None:
    folder = tmp_path_factory.mktemp("examples")
    write_examples(folder, rows)
    assert read_examples(folder) == rows


def test_predictions_read_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [Prediction("1", "a", 1.0, 0.25, 3, 4, 5.5), Prediction("2", None, 0.0)]
    write_predictions(tmp_path, rows)
    assert read_predictions(tmp_path) == rows


def test_a_score_of_nan_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_predictions(tmp_path, [Prediction("1", "a", float("nan"))])
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_no_partial_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_predictions(tmp_path, [Prediction("1", "a", 1.0)])

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full; free at least 1 MiB"):
        write_predictions(tmp_path, [Prediction("2", "b", 0.0)])
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.jsonl"]
    assert read_predictions(tmp_path)[0].example_id == "1"


def test_a_fingerprint_follows_the_bytes_and_not_the_name(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"x"), ("b.csv", b"x"), ("c.csv", b"y")):
        (tmp_path / name).write_bytes(content)
    one, same, other = (fingerprint(tmp_path / name) for name in ("a.csv", "b.csv", "c.csv"))
    assert one.sha256 == same.sha256 != other.sha256
    assert Path(one.path).is_absolute()


def test_a_fingerprint_of_nothing_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.csv is not there"):
        fingerprint(tmp_path / "gone.csv")
