"""A tokenizer with fewer pieces and new ids throughout: in vocabulary, merges, added tokens, template and config."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from core.engines.compress.trim_pieces import merges_of
from core.engines.models.starting import load_tokenizer

TOKENIZER_FILE = "tokenizer.json"
# What a slow tokenizer would read instead, with the old ids.
_OTHER_FILES = ("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json")
_OTHER_SUFFIXES = (".model", ".bpe")


def document_of(tokenizer: Any) -> dict[str, Any]:
    """The `tokenizer.json` of a fast tokenizer."""
    return cast(dict[str, Any], json.loads(tokenizer.backend_tokenizer.to_str()))


def rewritten(tokenizer: Any, document: Mapping[str, Any], new_ids: Mapping[int, int]) -> Any:
    """The tokenizer with the pieces of `new_ids`, which maps old ids to new ones; all else of it stays."""
    smaller = json.loads(json.dumps(document))
    _shrink_model(smaller["model"], new_ids)
    for token in smaller["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    smaller["post_processor"] = _renumbered(smaller["post_processor"], new_ids)
    padding = smaller.get("padding")
    if padding:
        padding["pad_id"] = new_ids.get(padding["pad_id"], 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer.save_pretrained(folder)
        for file in folder.iterdir():
            if file.name in _OTHER_FILES or file.suffix in _OTHER_SUFFIXES:
                file.unlink()
        (folder / TOKENIZER_FILE).write_text(json.dumps(smaller, ensure_ascii=False), encoding="utf-8")
        _renumber_config(folder / "tokenizer_config.json", new_ids)
        return load_tokenizer(folder)


def _shrink_model(model: dict[str, Any], new_ids: Mapping[int, int]) -> None:
    """Fewer pieces, and of BPE the merges that only need pieces which are left."""
    if model["type"] == "Unigram":
        model["vocab"] = [entry for token, entry in enumerate(model["vocab"]) if token in new_ids]
        if model.get("unk_id") is not None:
            model["unk_id"] = new_ids[model["unk_id"]]
        return
    kept = {piece: new_ids[token] for piece, token in model["vocab"].items() if token in new_ids}
    model["vocab"] = dict(sorted(kept.items(), key=lambda entry: entry[1]))
    if model["type"] == "BPE":
        model["merges"] = [
            [first, second]
            for first, second in merges_of(model)
            if first in kept and second in kept and first + second in kept
        ]


def _renumbered(part: Any, new_ids: Mapping[int, int]) -> Any:
    """A template with new ids: `"ids": [101]` of its special tokens, or `["[SEP]", 102]` of the older form."""
    if isinstance(part, dict):
        return {
            key: [new_ids[one] for one in value] if key == "ids" else _renumbered(value, new_ids)
            for key, value in part.items()
        }
    if isinstance(part, list):
        if len(part) == 2 and isinstance(part[0], str) and isinstance(part[1], int):
            return [part[0], new_ids[part[1]]]
        return [_renumbered(one, new_ids) for one in part]
    return part


def _renumber_config(path: Path, new_ids: Mapping[int, int]) -> None:
    if not path.is_file():
        return
    config = json.loads(path.read_text(encoding="utf-8"))
    added = config.get("added_tokens_decoder")
    if added:
        config["added_tokens_decoder"] = {str(new_ids[int(old)]): token for old, token in added.items()}
        path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
