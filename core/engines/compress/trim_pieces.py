"""Which pieces of a vocabulary stay, for each kind of tokenizer: those in use, and those that spell anything else."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from core.errors import UserError

_BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")
_PLAIN_CHARACTERS = frozenset(string.ascii_letters + string.digits + string.punctuation + "▁")


def kept_ids(document: Mapping[str, Any], used: set[int], source: Path) -> list[int]:
    """The old ids of the tokens to keep, ascending, so that a padding token at 0 stays there.

    `document` is a `tokenizer.json`. Every added token stays. Raises UserError for another kind of tokenizer than
    WordPiece, BPE, Unigram and WordLevel, naming the model `source`.
    """
    model = document["model"]
    rule = _RULES.get(model["type"])
    if rule is None or (model["type"] == "BPE" and _marks_words(model)):
        raise UserError("compress.trim_tokenizer", path=str(source), kind=model["type"])
    added = {int(token["id"]) for token in document["added_tokens"]}
    return sorted({*used, *added, *rule(model, used)})


def _marks_words(model: Mapping[str, Any]) -> bool:
    """Whether pieces within a word, or at its end, are written otherwise, as the first GPT's are."""
    return bool(model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"))


def _word_piece(model: Mapping[str, Any], used: set[int]) -> set[int]:
    """The characters of the texts and of plain English, each at a word's beginning and within one.

    A word with another character is unknown, as a word with an unknown character was before.
    """
    vocabulary: dict[str, int] = model["vocab"]
    prefix = model["continuing_subword_prefix"]
    words = {token: piece.removeprefix(prefix) for piece, token in vocabulary.items()}
    seen = {character for token in used for character in words.get(token, "")}
    letters = {*string.ascii_letters, *string.digits, *string.punctuation, *seen}
    spelling = {vocabulary[piece] for one in letters for piece in (one, prefix + one) if piece in vocabulary}
    return spelling | {vocabulary[model["unk_token"]]}


def _word_level(model: Mapping[str, Any], used: set[int]) -> set[int]:
    return {model["vocab"][model["unk_token"]]} if model.get("unk_token") in model["vocab"] else set()


def _unigram(model: Mapping[str, Any], used: set[int]) -> set[int]:
    pieces = {piece: token for token, (piece, _score) in enumerate(model["vocab"])}
    unknown = set() if model.get("unk_id") is None else {int(model["unk_id"])}
    return unknown | _characters(pieces, used, has_bytes=bool(model.get("byte_fallback")))


def _bpe(model: Mapping[str, Any], used: set[int]) -> set[int]:
    """Characters or bytes, and whatever the used pieces are merged from, step by step."""
    vocabulary: dict[str, int] = model["vocab"]
    kept = _characters(vocabulary, used, has_bytes=bool(model.get("byte_fallback")))
    if model.get("unk_token") in vocabulary:
        kept.add(vocabulary[model["unk_token"]])
    rank_of = {pair: rank for rank, pair in enumerate(merges_of(model))}
    piece_of = {token: piece for piece, token in vocabulary.items()}
    for token in used:
        if token in piece_of:
            kept |= {vocabulary[part] for part in _parts(piece_of[token], rank_of) if part in vocabulary}
    return kept


def merges_of(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The merges of a BPE model in their order; older files write a pair as one text."""
    pairs = (pair.split(" ", 1) if isinstance(pair, str) else pair for pair in model["merges"])
    return [(str(first), str(second)) for first, second in pairs]


def _parts(piece: str, rank_of: Mapping[tuple[str, str], int]) -> set[str]:
    """Every piece that comes up while the characters of `piece` are merged, the first ones and the last included.

    Within a longer word the same merges are made, in the same order: none reaches over the border of a piece that
    stands in the result.
    """
    symbols = list(piece)
    parts = set(symbols)
    while len(symbols) > 1:
        ranked = [(rank_of.get(pair, -1), place) for place, pair in enumerate(pairwise(symbols))]
        possible = [entry for entry in ranked if entry[0] >= 0]
        if not possible:
            break
        _, place = min(possible)
        symbols[place : place + 2] = [symbols[place] + symbols[place + 1]]
        parts.add(symbols[place])
    return parts


def _characters(vocabulary: Mapping[str, int], used: set[int], *, has_bytes: bool) -> set[int]:
    """Pieces of one character: all of them, so that what could be spelt still can; where bytes spell what has no
    piece, those in use and plain ones, and the bytes."""
    singles = {piece: token for piece, token in vocabulary.items() if len(piece) == 1}
    if not has_bytes:
        return set(singles.values())
    seen = {character for piece, token in vocabulary.items() if token in used for character in piece}
    spelt = {token for piece, token in singles.items() if piece in seen or piece in _PLAIN_CHARACTERS}
    return spelt | {token for piece, token in vocabulary.items() if _BYTE_PIECE.fullmatch(piece)}


_RULES: dict[str, Callable[[Mapping[str, Any], set[int]], set[int]]] = {
    "WordPiece": _word_piece,
    "WordLevel": _word_level,
    "Unigram": _unigram,
    "BPE": _bpe,
}
