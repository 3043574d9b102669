"""The cells of a file, format by format: column names first, then blocks of rows with the numbers that a user sees.

A row's number is the one that a spreadsheet shows (the header is row 1), the line of a JSONL file, or the place of a
Parquet row, from 1. Cells are text: missing ones are empty, NUL is removed and lone surrogates are replaced, so that
every store takes them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as parquet

from core.data.encodings import detect_encoding
from core.data.fingerprint import require_file, unreadable
from core.errors import UserError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_ROWS_A_BLOCK = 20_000
_LARGEST_FIELD = 2**31 - 1  # the csv module stops at 131,072 characters unless it is told otherwise


@dataclass(frozen=True)
class Block:
    """Some rows of a file: their numbers and the chosen columns' cells, column by column."""

    row_numbers: list[int]
    cells: dict[str, list[str]]


Choose = Callable[[Sequence[str]], list[str]]


def read_blocks(path: Path, choose: Choose) -> Iterator[Block]:
    """The rows of a file in blocks, with the columns that `choose` picks from the file's column names.

    Raises UserError for a missing or empty file, an unknown suffix, and rows that cannot be read.
    """
    require_file(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError("data.file.suffix_unknown", file=path.name, suffixes=", ".join(SUFFIXES))
    try:
        if path.stat().st_size == 0:
            raise UserError("data.file.empty", file=path.name)
        if suffix == ".parquet":
            yield from _parquet_blocks(path, choose)
        elif suffix in (".jsonl", ".ndjson"):
            yield from _jsonl_blocks(path, choose)
        else:
            yield from _delimited_blocks(path, choose, tabs=suffix == ".tsv")
    except OSError as error:
        raise unreadable(path, error) from error


def clean(text: str) -> str:
    """The text without NUL and lone surrogates, neither of which a database or a file takes."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _blocks(columns: list[str], rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Block]:
    numbers: list[int] = []
    cells: list[list[str]] = [[] for _ in columns]
    for number, values in rows:
        numbers.append(number)
        for column, value in zip(cells, values, strict=True):
            column.append(clean(value))
        if len(numbers) == _ROWS_A_BLOCK:
            yield Block(numbers, dict(zip(columns, cells, strict=True)))
            numbers, cells = [], [[] for _ in columns]
    if numbers:
        yield Block(numbers, dict(zip(columns, cells, strict=True)))


# --- CSV and TSV ---


def _delimited_blocks(path: Path, choose: Choose, tabs: bool) -> Iterator[Block]:
    csv.field_size_limit(_LARGEST_FIELD)
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, newline="") as stream:
        delimiter = "\t" if tabs else _delimiter(stream)
        records = _numbered_records(path, csv.reader(stream, delimiter=delimiter, strict=True))
        header = next(records, None)
        if header is None:
            raise UserError("data.file.empty", file=path.name)
        names = [clean(name).strip() for name in header[1]]
        columns = choose(names)
        repeated = next((name for name in columns if names.count(name) > 1), None)
        if repeated is not None:
            raise UserError("data.file.column_repeated", file=path.name, column=repeated)
        places = [names.index(name) for name in columns]
        yield from _blocks(columns, _picked(path, records, len(names), places))


def _delimiter(stream: TextIO) -> str:
    """The delimiter that the header line uses most: spreadsheets in much of Europe save CSV with semicolons."""
    header = stream.readline()
    stream.seek(0)
    return max(",;\t", key=header.count)


def _numbered_records(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    number = 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError("data.file.quotes_broken", file=path.name, row=number, reason=str(error)) from error
        except UnicodeError as error:
            raise UserError("data.file.encoding_unknown", file=path.name) from error
        if any(cell.strip() for cell in record):  # spreadsheets leave rows of nothing but delimiters behind
            yield number, record


def _picked(
    path: Path, records: Iterator[tuple[int, list[str]]], width: int, places: list[int]
) -> Iterator[tuple[int, Sequence[str]]]:
    for number, record in records:
        if len(record) != width:
            raise UserError("data.file.row_width", file=path.name, row=number, fields=len(record), columns=width)
        yield number, [record[place] for place in places]


# --- JSONL ---


def _jsonl_blocks(path: Path, choose: Choose) -> Iterator[Block]:
    """Blocks of a JSONL file, read twice: first for the names of all columns, then for the chosen ones."""
    encoding = detect_encoding(path)
    names: dict[str, None] = {}
    rows = 0
    for _, document in json_objects(path, encoding):
        rows += 1
        names.update(dict.fromkeys(document))
    if rows == 0:
        raise UserError("data.file.empty", file=path.name)
    columns = choose(list(names))
    cells = (
        (number, [as_text(document.get(name)) for name in columns]) for number, document in json_objects(path, encoding)
    )
    yield from _blocks(columns, cells)


def json_objects(path: Path, encoding: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's object with the line's number; blank lines are passed over. Raises UserError naming a bad line."""
    with path.open(encoding=encoding) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                document = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UserError("data.file.line_not_json", file=path.name, line=number) from error
            if not isinstance(document, dict):
                raise UserError("data.file.line_not_object", file=path.name, line=number)
            yield number, document


def as_text(value: object) -> str:
    """A JSON or Parquet value as a cell: null is empty, true and false in lower case, lists and objects as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


# --- Parquet ---


def _parquet_blocks(path: Path, choose: Choose) -> Iterator[Block]:
    try:
        with parquet.ParquetFile(path) as table:
            columns = choose(table.schema_arrow.names)
            number = 0
            for batch in table.iter_batches(batch_size=_ROWS_A_BLOCK, columns=columns):
                cells = {name: [clean(as_text(cell)) for cell in batch.column(name).to_pylist()] for name in columns}
                yield Block(list(range(number + 1, number + 1 + batch.num_rows)), cells)
                number += batch.num_rows
    except pa.ArrowException as error:
        raise UserError("data.file.not_parquet", file=path.name) from error
