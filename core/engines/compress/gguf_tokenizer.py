"""A fast tokenizer in the words of a GGUF file: tokens, their types, merges, and which splitting of text goes before.

GGUF knows splittings by name, from llama.cpp's `convert_hf_to_gguf.py`; the ones below are recognised by their rules in
`tokenizer.json`, and every other one is refused, because llama.cpp would split texts differently without a word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gguf import GGUFWriter, TokenType

from core.errors import UserError

Document = dict[str, Any]
_LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN_2 = _LLAMA_3.replace("{1,3}", "")
SPLITS = {_LLAMA_3: "llama-bpe", _QWEN_2: "qwen2"}
_SPACE_MARK = "▁"
_BYTE_LENGTH = len("<0x00>")


@dataclass(frozen=True)
class GgufTokenizer:
    """What a GGUF file says of a tokenizer. `kind` is `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).

    `tokens` has one entry for each row of the embeddings; `scores` are those of SentencePiece, the higher the sooner a
    piece is merged, null for byte-level BPE.
    """

    kind: str
    splitting: str
    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]
    scores: tuple[float, ...] | None
    merges: tuple[str, ...]
    special_ids: dict[str, int]
    adds_beginning: bool
    adds_end: bool
    adds_space: bool
    chat_template: str | None

    def write(self, writer: GGUFWriter) -> None:
        """Add all of it to the file's metadata."""
        writer.add_tokenizer_model(self.kind)
        writer.add_tokenizer_pre(self.splitting)
        writer.add_token_list(list(self.tokens))
        writer.add_token_types(list(self.types))
        if self.scores is not None:
            writer.add_token_scores(list(self.scores))
        if self.merges:
            writer.add_token_merges(list(self.merges))
        for name, token_id in self.special_ids.items():
            getattr(writer, f"add_{name}_token_id")(token_id)
        writer.add_add_bos_token(self.adds_beginning)
        writer.add_add_eos_token(self.adds_end)
        writer.add_add_space_prefix(self.adds_space)
        if self.chat_template is not None:
            writer.add_chat_template(self.chat_template)


def gguf_tokenizer(source: Path, tokenizer: Any, rows: int) -> GgufTokenizer:
    """The tokenizer of the model in `source` for embeddings of `rows` rows; rows without a token become unused ones.

    Raises UserError where GGUF has no word for how it splits texts, or tokens are more than rows.
    """
    document: Document = json.loads(tokenizer.backend_tokenizer.to_str())
    if document["model"]["type"] != "BPE":
        raise _unknown(source, document["model"]["type"])
    splitting = _byte_level_splitting(document)
    sentencepiece = splitting is None and _is_sentencepiece(document)
    if splitting is None and not sentencepiece:
        raise _unknown(source, json.dumps(document["pre_tokenizer"], ensure_ascii=False)[:120])
    tokens = _tokens(source, tokenizer, rows)
    merges = [" ".join(pair) if isinstance(pair, list) else str(pair) for pair in document["model"]["merges"]]
    begins, ends = _framed(tokenizer)
    return GgufTokenizer(
        kind="llama" if sentencepiece else "gpt2",
        splitting=splitting or "default",
        tokens=tuple(tokens),
        types=tuple(_types(tokens, document, tokenizer, len(tokenizer))),
        scores=_scores(tokens, merges) if sentencepiece else None,
        merges=tuple(merges),
        special_ids=_special_ids(tokenizer),
        adds_beginning=begins,
        adds_end=ends,
        adds_space=sentencepiece and _prepends(document),
        chat_template=tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else None,
    )


def _unknown(source: Path, kind: str) -> UserError:
    return UserError("export.gguf_tokenizer", path=str(source), kind=kind)


def _byte_level_splitting(document: Document) -> str | None:
    """llama.cpp's name for the rules by which a byte-level BPE splits a text first; null for any other rules."""
    normalizer = document["normalizer"]
    if normalizer is not None and normalizer.get("type") != "NFC":
        return None
    steps = _steps(document["pre_tokenizer"], "pretokenizers")
    if not steps or steps[-1]["type"] != "ByteLevel" or steps[-1]["add_prefix_space"]:
        return None
    before, own_rules = steps[:-1], steps[-1]["use_regex"]
    if not before:
        return "gpt-2" if own_rules else None
    if len(before) > 1:
        return None
    step = before[0]
    if step["type"] == "Digits" and step["individual_digits"] and own_rules:
        return "smollm"
    if step["type"] == "Split" and step["behavior"] == "Isolated" and not step["invert"] and not own_rules:
        return SPLITS.get(step["pattern"].get("Regex", ""))
    return None


def _is_sentencepiece(document: Document) -> bool:
    """Whether a BPE works on texts whose spaces became marks, as Llama 2 and Mistral do, bytes for what is unknown."""
    rules = [*_steps(document["normalizer"], "normalizers"), *_steps(document["pre_tokenizer"], "pretokenizers")]
    kinds = {rule["type"] for rule in rules}
    marked = "Metaspace" in kinds or any(
        rule["type"] == "Replace" and rule.get("content") == _SPACE_MARK for rule in rules
    )
    return bool(document["model"]["byte_fallback"]) and marked and kinds <= {"Metaspace", "Replace", "Prepend"}


def _prepends(document: Document) -> bool:
    rules = [*_steps(document["normalizer"], "normalizers"), *_steps(document["pre_tokenizer"], "pretokenizers")]
    return any(
        rule["type"] == "Prepend" or (rule["type"] == "Metaspace" and rule["prepend_scheme"] != "never")
        for rule in rules
    )


def _steps(rule: Document | None, inside: str) -> list[Document]:
    if rule is None:
        return []
    return list(rule[inside]) if rule["type"] == "Sequence" else [rule]


def _tokens(source: Path, tokenizer: Any, rows: int) -> list[str]:
    """Each id's token; rows beyond the tokenizer's, and ids that it leaves out, get names that no text has."""
    by_id = {int(token_id): str(token) for token, token_id in tokenizer.get_vocab().items()}
    if max(by_id) >= rows:
        raise UserError("export.gguf_vocabulary", path=str(source), tokens=max(by_id) + 1, rows=rows)
    return [by_id.get(token_id, f"[PAD{token_id}]") for token_id in range(rows)]


def _types(tokens: Sequence[str], document: Document, tokenizer: Any, known: int) -> list[TokenType]:
    added = {int(entry["id"]): bool(entry["special"]) for entry in document["added_tokens"]}
    vocabulary = tokenizer.get_vocab()
    byte_pieces = bool(document["model"]["byte_fallback"])
    types = []
    for token_id, token in enumerate(tokens):
        if token not in vocabulary:
            types.append(TokenType.UNUSED)
        elif byte_pieces and token.startswith("<0x") and len(token) == _BYTE_LENGTH:
            types.append(TokenType.BYTE)
        elif byte_pieces and token == document["model"]["unk_token"]:
            types.append(TokenType.UNKNOWN)
        elif token_id in added:
            types.append(TokenType.CONTROL if added[token_id] else TokenType.USER_DEFINED)
        else:
            types.append(TokenType.NORMAL)
    return types


def _scores(tokens: Sequence[str], merges: Sequence[str]) -> tuple[float, ...]:
    """Minus the place of the first merge that makes a token, as SentencePiece scores its BPE pieces; pieces of one
    character, which are never merged, come after all others."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault(merge.replace(" ", "", 1), rank)
    return tuple(-float(ranks.get(token, len(merges))) for token in tokens)


def _special_ids(tokenizer: Any) -> dict[str, int]:
    ids = {name: getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "unk", "pad")}
    return {name: int(token_id) for name, token_id in ids.items() if token_id is not None}


def _framed(tokenizer: Any) -> tuple[bool, bool]:
    """Whether a text gets the beginning token before it, and the end token after it."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    framed = tokenizer("a")["input_ids"]
    extra = len(framed) - len(plain)
    begins = extra > 0 and framed[0] == tokenizer.bos_token_id
    return begins, extra > int(begins) and framed[-1] == tokenizer.eos_token_id
