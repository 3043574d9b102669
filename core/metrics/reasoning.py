"""What a language model thought before its answer, told from the answer itself."""

from __future__ import annotations

OPENING, CLOSING = "<think>", "</think>"


def split_reasoning(text: str) -> tuple[str | None, str]:
    """The reasoning and the answer of a text such as "<think>…</think>answer", each without surrounding white space.

    The opening mark may be missing, for some chat templates put it into the prompt. A text that ends before the
    closing mark is all reasoning, with an empty answer. Without marks the reasoning is null.
    """
    before, mark, after = text.rpartition(CLOSING)
    if mark:
        return before.strip().removeprefix(OPENING).strip(), after.strip()
    start = text.strip()
    if start.startswith(OPENING):
        return start.removeprefix(OPENING).strip(), ""
    return None, start
