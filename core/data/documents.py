"""The user's documents for retrieval: a folder or a file, read as texts with names, and the hash of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from core.data.encodings import detect_encoding
from core.data.fingerprint import fingerprint, unreadable
from core.errors import UserError
from core.jobs.specs import DocumentSource
from core.lazy import load

TEXT_SUFFIXES = (".txt", ".md", ".html", ".htm")
# Those of `core.data.formats`, which is heavy and so not needed for planning.
TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
READ_SUFFIXES = (*TEXT_SUFFIXES, *TABLE_SUFFIXES)
DEFAULT_COLUMN = "text"
_HIDDEN_TAGS = ("script", "style", "template", "noscript")
_BLOCK_TAGS = ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "table", "pre")


@dataclass(frozen=True)
class Document:
    """One document: its name, which is unique, and its text."""

    name: str
    text: str


def document_source(path: Path, column: str | None, id_column: str | None) -> DocumentSource:
    """The identity of the documents in a folder or file: all names and bytes that are read.

    Raises UserError where there is no such path, nothing in it is of a kind that is read, or a file cannot be read.
    """
    digest = hashlib.sha256()
    for name, file in _files(path):
        digest.update(f"{name}\0{fingerprint(file).sha256}\0".encode())
    return DocumentSource(path=str(path.absolute()), sha256=digest.hexdigest(), column=column, id_column=id_column)


def require_document_columns(source: DocumentSource) -> None:
    """Nothing, where each table among the documents has the columns of their texts and names. Raises UserError naming
    the first that has not: when a study is planned, before anybody is asked who is paid."""
    wanted = {"retrieval.column": source.column or DEFAULT_COLUMN}
    if source.id_column is not None:
        wanted["retrieval.id_column"] = source.id_column
    tables = [file for _, file in _files(Path(source.path)) if file.suffix.lower() in TABLE_SUFFIXES]
    for file in tables:
        for field, column in wanted.items():
            load("core.data.reading").require_column(file, column, field)


def skipped_files(path: Path) -> int:
    """How many files of a folder are of no kind that is read."""
    return 0 if path.is_file() else sum(file.suffix.lower() not in READ_SUFFIXES for file in _visible(path))


def read_documents(source: DocumentSource) -> list[Document]:
    """All documents, sorted by file, rows of a table in their order; those without a letter or digit are left out.

    Raises UserError where a file cannot be read or has changed since the job was planned, a column is missing or
    empty, a name stands twice, or no text is left.
    """
    path = Path(source.path)
    if document_source(path, source.column, source.id_column).sha256 != source.sha256:
        raise UserError("data.file.changed", path=str(path))
    documents: list[Document] = []
    for name, file in _files(path):
        documents += _of_file(name, file, source)
    seen: set[str] = set()
    for document in documents:
        if document.name in seen:
            raise UserError("retrieval.name_twice", name=document.name, path=str(path))
        seen.add(document.name)
    filled = [document for document in documents if any(character.isalnum() for character in document.text)]
    if not filled:
        raise UserError("retrieval.no_text", path=str(path))
    return filled


def _files(path: Path) -> list[tuple[str, Path]]:
    """The files to read with their names: paths within the folder, with slashes on every system."""
    if not path.exists():
        raise UserError("retrieval.missing", path=str(path))
    suffixes = ", ".join(READ_SUFFIXES)
    if path.is_file():
        if path.suffix.lower() not in READ_SUFFIXES:
            raise UserError("retrieval.suffix", path=str(path), suffixes=suffixes)
        return [(path.name, path)]
    found = [file for file in _visible(path) if file.suffix.lower() in READ_SUFFIXES]
    if not found:
        raise UserError("retrieval.no_documents", path=str(path), suffixes=suffixes)
    return sorted((file.relative_to(path).as_posix(), file) for file in found)


def _visible(folder: Path) -> Iterator[Path]:
    """All files below a folder but hidden ones, such as what a version control system keeps beside them."""
    try:
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from _visible(entry)
            elif entry.is_file():
                yield entry
    except OSError as error:
        raise unreadable(folder, error) from error


def _of_file(name: str, file: Path, source: DocumentSource) -> list[Document]:
    if file.suffix.lower() not in TEXT_SUFFIXES:
        return list(_rows(name, file, source))
    try:
        text: str = load("core.data.formats").clean(file.read_text(encoding=detect_encoding(file)))
    except (OSError, UnicodeError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, str(error))
        raise unreadable(file, reason) from error
    return [Document(name, html_text(text) if file.suffix.lower() in (".html", ".htm") else text)]


def _rows(name: str, file: Path, source: DocumentSource) -> Iterator[Document]:
    """The rows of a table; `pandas` reads them, as it reads the study's own data."""
    column = source.column or DEFAULT_COLUMN
    required = {"retrieval.column": column}
    if source.id_column is not None:
        required["retrieval.id_column"] = source.id_column
    frame = load("core.data.reading").read_table(file, required)
    texts: list[str] = frame[column].tolist()
    if not any(text.strip() for text in texts):
        raise UserError("retrieval.column_empty", column=column, file=name)
    numbers: list[int] = frame.index.tolist()
    names = [f"{name}#{number}" for number in numbers]
    if source.id_column is not None:
        load("core.data.reading").require_filled(frame, source.id_column, "retrieval.id_column", file)
        names = [str(cell).strip() for cell in frame[source.id_column]]
    yield from (Document(own, text) for own, text in zip(names, texts, strict=True))


def html_text(source: str) -> str:
    """The text of an HTML page as a reader sees it, blocks apart by empty lines."""
    reader = _PageReader()
    reader.feed(source)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n\n"))
    return "\n\n".join(line for line in lines if line)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN_TAGS:
            self._hidden += 1
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN_TAGS:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCK_TAGS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
