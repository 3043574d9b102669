"""What a language model is asked: a text, or a text with the pictures that it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from core.domain import Example, Picture


@dataclass(frozen=True)
class Question:
    """A message with the pictures that go along, in the order in which its text speaks of them."""

    text: str
    pictures: tuple[Picture, ...] = ()


Message: TypeAlias = str | Question
"""A text alone, or one with pictures."""


def picture_mark(number: int) -> str:
    """What the text of a message calls its picture of that number (from 1) by, where it has several."""
    return f"[Picture {number}]"


def text_of(message: Message) -> str:
    """The words of a message."""
    return message if isinstance(message, str) else message.text


def pictures_of(message: Message) -> tuple[Picture, ...]:
    """The pictures of a message; none for a text alone."""
    return () if isinstance(message, str) else message.pictures


def pictured(text: str, picture: Picture | None) -> Message:
    """The text with a picture beside it, where there is one."""
    return text if picture is None else Question(text, (picture,))


def question_of_row(asked: Example) -> Message:
    """What is asked about a row whose input is the whole message: with the pictures of the answered examples in it,
    and its own one last."""
    pictures = asked.shown if asked.picture is None else (*asked.shown, asked.picture)
    return Question(asked.input, pictures) if pictures else asked.input
