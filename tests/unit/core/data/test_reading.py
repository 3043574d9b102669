import json
from pathlib import Path

import pandas as pd
import pytest

from core.data.encodings import detect_encoding
from core.data.reading import read_table, require_filled
from core.errors import UserError

WANTED = {"data.columns.input": "text", "data.columns.target": "label"}


def write(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def refusal(path: Path, required: dict[str, str] = WANTED) -> UserError:
    with pytest.raises(UserError) as caught:
        read_table(path, required)
    assert "\n" not in caught.value.text
    return caught.value


CHINESE = "我的卡丢了，请帮我冻结。"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "café " + CHINESE),
        ("utf-8-sig", "café " + CHINESE),
        ("utf-16", "café " + CHINESE),
        ("gb18030", CHINESE),
        ("cp1252", "Où est ma carte ? J’ai payé 20 € à Nîmes"),
    ],
)
def test_text_comes_out_right_in_every_common_encoding(tmp_path: Path, encoding: str, text: str) -> None:
    path = write(tmp_path, "data.csv", f"text,label\n{text},a\n".encode(encoding))
    frame = read_table(path, WANTED)
    assert list(frame.columns) == ["text", "label"]
    assert frame["text"].tolist() == [text]


def test_an_encoding_that_nothing_fits_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", b"text,label\n\x81\x20\x8d,a\n")
    with pytest.raises(UserError, match="save it as UTF-8"):
        detect_encoding(path)


def test_quoted_line_breaks_keep_spreadsheet_row_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", 'text,label\n"one\ntwo",a\nthree,b\n')
    assert read_table(path, WANTED).index.tolist() == [2, 3]


def test_a_blank_line_counts_as_a_row_and_is_no_example(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", "text,label\none,a\n\n,\nfour,b\n")
    assert read_table(path, WANTED).index.tolist() == [2, 5]


def test_a_field_of_200_000_characters_comes_through_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", f"text,label\n{'x' * 200_000},a\n")
    assert len(read_table(path, WANTED)["text"].iloc[0]) == 200_000


def test_nul_and_lone_surrogates_are_removed(tmp_path: Path) -> None:
    csv_path = write(tmp_path, "data.csv", b"text,label\none\x00two,a\n")
    jsonl_path = write(tmp_path, "data.jsonl", '{"text": "a\\u0000b\\ud800c", "label": 1}\n')
    assert read_table(csv_path, WANTED)["text"].tolist() == ["onetwo"]
    assert read_table(jsonl_path, WANTED)["text"].tolist() == ["ab\ufffdc"]


def test_semicolons_and_tabs_are_taken_for_delimiters_where_the_header_uses_them(tmp_path: Path) -> None:
    semicolons = write(tmp_path, "data.csv", "text;label\na, b;x\n")
    tabs = write(tmp_path, "data.tsv", "text\tlabel\na, b\tx\n")
    assert read_table(semicolons, WANTED).values.tolist() == read_table(tabs, WANTED).values.tolist() == [["a, b", "x"]]


def test_words_that_look_like_missing_values_stay_words(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", "text,label\nNA,null\nnan,None\n001,1.0\n")
    assert read_table(path, WANTED).values.tolist() == [["NA", "null"], ["nan", "None"], ["001", "1.0"]]


def test_jsonl_values_become_text_and_row_numbers_are_lines(tmp_path: Path) -> None:
    lines = ['{"text": "a", "label": true}', "", '{"text": "b", "label": 3}', '{"label": null, "text": ["x"]}']
    frame = read_table(write(tmp_path, "data.jsonl", "\n".join(lines)), WANTED)
    assert frame.index.tolist() == [1, 3, 4]
    assert frame.values.tolist() == [["a", "true"], ["b", "3"], ['["x"]', ""]]


def test_parquet_integers_and_missing_cells_become_text(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    pd.DataFrame({"text": ["a", None], "label": pd.array([1, None], dtype="Int64")}).to_parquet(path)
    frame = read_table(path, WANTED)
    assert frame.values.tolist() == [["a", "1"], ["", ""]]
    assert frame.index.tolist() == [1, 2]


def test_optional_columns_come_where_the_file_has_them(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", "id,text,label,extra\n1,a,b,c\n")
    assert list(read_table(path, WANTED, ["id", "nowhere"]).columns) == ["text", "label", "id"]


def test_a_missing_column_is_named_with_its_field_and_the_columns_there(tmp_path: Path) -> None:
    path = write(tmp_path, "train.csv", "message,label\na,b\n")
    expected = "data.columns.input: column 'text' is not in train.csv; its columns are message, label"
    assert refusal(path).text == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data.csv", "", "is empty"),
        ("data.csv", "\n\n", "is empty"),
        ("data.jsonl", "\n", "is empty"),
        ("data.csv", "text,label\n", "no rows"),
        ("data.xls", "text,label\n", "save it as one of .csv"),
        ("data.csv", "text,label\na,b\nc,d,e\n", "row 3 has 3 fields where the header has 2"),
        ("data.csv", 'text,label\na,b\n"c,d\n', "row 3: quotes do not close"),
        ("data.csv", "text,label,text\na,b,c\n", "'text' more than once"),
        ("data.jsonl", '{"text": "a", "label": "b"}\n[1]\n', "line 2 is not a JSON object"),
        ("data.jsonl", '{"text": "a", "label": "b"}\n{"text"\n', "line 2 is not JSON"),
        ("data.parquet", "text,label\n", "cannot be read as Parquet"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, name: str, content: str, said: str) -> None:
    assert said in refusal(write(tmp_path, name, content)).text


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "gone.csv").text
    assert "is a folder" in refusal(tmp_path).text


def test_an_empty_cell_is_refused_with_its_row(tmp_path: Path) -> None:
    path = write(tmp_path, "data.csv", "text,label\na,b\n  ,c\nd,e\n")
    with pytest.raises(UserError, match=r"column 'text' of data.csv is empty in row 3;"):
        require_filled(read_table(path, WANTED), "text", "data.columns.input", path)


def test_an_unfinished_block_of_many_rows_keeps_every_row(tmp_path: Path) -> None:
    lines = (json.dumps({"text": f"t{row}", "label": "a"}) for row in range(20_050))
    frame = read_table(write(tmp_path, "data.jsonl", "\n".join(lines)), WANTED)
    assert len(frame) == 20_050
    assert frame["text"].iloc[-1] == "t20049"
