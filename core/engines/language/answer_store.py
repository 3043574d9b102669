"""Answers that were bought, kept for ever: `NAME.tercet.d/answers/`, shared by all jobs of a study.

One file for each model, one line for each answer, appended and flushed to the disk before the answer counts. Whoever
buys holds the file's lock meanwhile, so two processes neither mix their lines nor buy one answer twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.engines.durable import disk_full_told, sync_folder
from core.engines.language.answer import Answer, answer_document, answer_of
from core.engines.language.question import Message, pictures_of, text_of

FOLDER_NAME = "answers"
_LOCK_POLL_S = 0.5
_LINE_BYTES = 4096
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class Asked:
    """Who is asked, and how: everything but the message that determines an answer.

    `address` is an endpoint's, or `sha256:…` of weights on this machine. `settings` are the generation settings.
    """

    address: str
    model: str
    settings: Mapping[str, Any]

    def key(self, message: Message) -> str:
        """The name of the answer to a message with its pictures: a SHA-256 in hex."""
        document: dict[str, Any] = {
            "address": self.address,
            "model": self.model,
            "settings": self.settings,
            "messages": [{"role": "user", "content": text_of(message)}],
        }
        shown = [picture.identity for picture in pictures_of(message)]
        if shown:
            document |= {"picture": shown[0]} if len(shown) == 1 else {"pictures": shown}
        return hashlib.sha256(_canonical(document)).hexdigest()

    @property
    def file_name(self) -> str:
        """The file that holds all answers of this model, whatever its settings were."""
        digest = hashlib.sha256(_canonical([self.address, self.model])).hexdigest()[:16]
        return f"{_UNSAFE.sub('-', self.model)[-60:].strip('-.') or 'model'}-{digest}.jsonl"


def answers_folder(job_folder: Path) -> Path:
    """The folder of bought answers of the study that a job's folder (`NAME.tercet.d/jobs/ID`) belongs to."""
    return job_folder.parent.parent / FOLDER_NAME


class AnswerStore:
    """The answers of one model, to be used under the lock that `open_answers` holds. `damaged` counts lines that are
    no answers, which are left as they are. `writable` false reads alone: no file is made or mended."""

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self.path = path
        self._writable = writable
        self.damaged = 0
        # (offset, length, job) of each line: the answers themselves stay on the disk.
        self._places: dict[str, tuple[int, int, str]] = {}
        self._end = 0
        self._read()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def get(self, key: str) -> Answer:
        """The answer of that name. Raises KeyError."""
        offset, length, _ = self._places[key]
        with self.path.open("rb") as stream:
            stream.seek(offset)
            return answer_of(json.loads(stream.read(length))["answer"])

    def bought_by(self, key: str) -> str:
        """The id of the job that bought an answer. Raises KeyError."""
        return self._places[key][2]

    def put(self, key: str, answer: Answer, job_id: str) -> None:
        """Keep an answer: it is on the disk when this returns. Raises UserError (disk.full) with nothing of it kept,
        and ValueError where it is there already."""
        if key in self._places:
            raise ValueError(f"the answer {key} was bought before")
        line = json.dumps({"key": key, "job": job_id, "answer": answer_document(answer)}, allow_nan=False) + "\n"
        data = line.encode("ascii")
        with disk_full_told(self.path, len(data) + _LINE_BYTES), self.path.open("r+b", buffering=0) as stream:
            try:
                _append(stream, self._end, data)
            except OSError:
                stream.truncate(self._end)
                raise
        self._places[key] = (self._end, len(data), job_id)
        self._end += len(data)

    def _read(self) -> None:
        """Find every line; what a killed process left of its last one is cut off."""
        if not self.path.exists():
            if not self._writable:
                return
            self.path.touch()
            sync_folder(self.path.parent)
        with self.path.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._note(line)
                self._end += len(line)
        if self._writable and self.path.stat().st_size > self._end:
            with self.path.open("r+b") as stream:
                stream.truncate(self._end)

    def _note(self, line: bytes) -> None:
        try:
            document = json.loads(line)
            answer_of(document["answer"])
            self._places[str(document["key"])] = (self._end, len(line), str(document["job"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            self.damaged += 1


def known_answers(folder: Path, asked: Asked) -> AnswerStore:
    """The answers of a model that are there now, to be read and not added to; it takes no lock and leaves no trace."""
    return AnswerStore(folder / asked.file_name, writable=False)


@contextmanager
def open_answers(folder: Path, asked: Asked, on_wait: Callable[[], None] = lambda: None) -> Iterator[AnswerStore]:
    """The answers of a model, held by this process alone until the context ends.

    `on_wait` is called twice a second while another process holds them, and may raise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / asked.file_name
    lock = FileLock(path.with_suffix(".lock"))
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_S)
            break
        except Timeout:
            on_wait()
    try:
        yield AnswerStore(path)
    finally:
        lock.release()


def _append(stream: FileIO, end: int, data: bytes) -> None:
    stream.seek(end)
    written = 0
    while written < len(data):
        written += stream.write(data[written:])
    os.fsync(stream.fileno())


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")
