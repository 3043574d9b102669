"""Pictures beside texts: found, checked, kept with what they show, and never on both sides of a split."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.data import pictures as pictures_module
from core.data.examples import read_examples
from core.data.pictures import pictures_sha256
from core.data.prepare import run
from core.domain import Picture
from core.errors import UserError
from core.spec import Columns

if TYPE_CHECKING:
    Context = Any
    Build = Any
    Write = Any

PNG = b"\x89PNG\r\n\x1a\n"
COLUMNS = Columns(input="text", target="label", image="photo")
ADDRESS = "https://host/photo.jpg"


def pictures(folder: Path, count: int) -> list[bytes]:
    (folder / "photos").mkdir()
    contents = [PNG + bytes([number]) for number in range(count)]
    for number, content in enumerate(contents):
        (folder / "photos" / f"{number}.png").write_bytes(content)
    return contents


def table(cells: list[str], text: str = "what is it?") -> str:
    rows = [f"{text},{'ab'[row % 2]},{cell}" for row, cell in enumerate(cells)]
    return "\n".join(["text,label,photo", *rows]) + "\n"


def test_a_question_about_many_pictures_is_many_rows(
    context: Context, write: Write, parameters: Build, tmp_path: Path
) -> None:
    contents = pictures(tmp_path, 20)
    data = write("data.csv", table([f"photos/{number}.png" for number in range(20)]))
    result = run(parameters(data, columns=COLUMNS), context)
    assert (result.groups, result.duplicate_rows) == (20, 0)
    examples = read_examples(context.folder)
    assert examples[3].picture == Picture(
        str((tmp_path / "photos" / "3.png").resolve()), hashlib.sha256(contents[3]).hexdigest()
    )


def test_rows_with_the_same_picture_stay_together_and_a_repeated_row_counts(
    context: Context, write: Write, parameters: Build, tmp_path: Path
) -> None:
    pictures(tmp_path, 8)
    (tmp_path / "photos" / "copy.png").write_bytes((tmp_path / "photos" / "0.png").read_bytes())
    cells = [*(f"photos/{number}.png" for number in range(8)), "photos/copy.png", ADDRESS, ADDRESS]
    result = run(parameters(write("data.csv", table(cells)), columns=COLUMNS), context)
    examples = read_examples(context.folder)
    assert (result.groups, result.duplicate_rows) == (9, 2)
    assert examples[0].group == examples[8].group
    assert examples[9].picture == Picture(ADDRESS)


def test_a_blank_cell_is_a_text_without_a_picture(
    context: Context, write: Write, parameters: Build, tmp_path: Path
) -> None:
    pictures(tmp_path, 9)
    cells = [*(f"photos/{number}.png" for number in range(9)), "", ""]
    run(parameters(write("data.csv", table(cells)), columns=COLUMNS), context)
    examples = read_examples(context.folder)
    assert examples[9].picture is None
    assert examples[9].group == examples[10].group


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.png", None, "data.picture.missing"),
        ("notes.txt", b"no picture", "data.picture.unknown"),
        ("large.png", PNG + bytes(20 * 1024 * 1024), "data.picture.large"),
    ],
)
def test_what_no_endpoint_takes_is_refused_with_its_row(
    context: Context, write: Write, parameters: Build, tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    pictures(tmp_path, 9)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    cells = [*(f"photos/{number}.png" for number in range(9)), name]
    with pytest.raises(UserError) as refusal:
        run(parameters(write("data.csv", table(cells)), columns=COLUMNS), context)
    assert refusal.value.code == code
    assert refusal.value.values["row"] == 11  # the header is the first
    assert name in str(refusal.value)


def test_a_picture_replaced_after_planning_is_told_before_its_rows_are_prepared(
    context: Context, write: Write, parameters: Build, tmp_path: Path
) -> None:
    pictures(tmp_path, 9)
    data = write("data.csv", table([*(f"photos/{number}.png" for number in range(9)), ADDRESS]))
    planned = parameters(data, columns=COLUMNS, pictures_sha256=pictures_sha256({"": data}, "photo"))
    run(planned, context)
    (tmp_path / "photos" / "3.png").write_bytes(PNG + b"another")
    with pytest.raises(UserError) as refusal:
        run(planned, context)
    assert refusal.value.code == "data.picture.changed"


def test_planning_reads_each_picture_once_until_it_changes(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def heard(content: bytes) -> str:
        read.append(content)
        return "image/png"

    monkeypatch.setattr(pictures_module, "picture_type", heard)
    contents = pictures(tmp_path, 3)
    data = write("data.csv", table([f"photos/{number}.png" for number in (0, 1, 2, 1)]))
    before = pictures_sha256({"": data}, "photo")
    assert pictures_sha256({"": data}, "photo") == before
    assert read == contents
    (tmp_path / "photos" / "1.png").write_bytes(PNG + b"!!")
    assert pictures_sha256({"": data}, "photo") != before
    assert len(read) == 4


def test_a_data_file_without_the_named_column_of_pictures_is_refused(write: Write) -> None:
    with pytest.raises(UserError, match=r"data\.columns\.image"):
        pictures_sha256({"": write("data.csv", "text,label\na,x\n")}, "photo")
