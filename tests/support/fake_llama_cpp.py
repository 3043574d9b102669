"""llama-cpp-python as Tercet uses it, without its library: a model over bytes whose logits are drawn anew for each
sequence of tokens, so that whoever shows it another sequence hears another answer."""

from __future__ import annotations

import ctypes
import importlib.machinery
import sys
import types
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from core.engines.language import llama_cpp_model

BEGIN, END, MARK = 256, 257, 258
NAMES = {BEGIN: b"<s>", END: b"</s>", MARK: b"<|ask|>"}
VOCABULARY = 259
TEMPLATE = "{{ bos_token }}<|ask|>{{ messages[0]['content'] }}{% if add_generation_prompt %}<|ask|>{% endif %}"
TRAINED_TOKENS = 2048


def logits_after(tokens: Sequence[int]) -> Any:
    """What the model expects after these tokens, shape (vocabulary,), in fp32: letters, and sometimes the end."""
    drawn = np.random.default_rng(zlib.crc32(np.asarray(tokens, dtype=np.int32).tobytes()))
    logits = drawn.normal(size=VOCABULARY).astype(np.float32) * 2
    logits[97:123] += 12
    logits[END] += 12
    return logits


class Llama:
    """The part of `llama_cpp.Llama` that is used. `opened` are all that were made, `read` the tokens of each `eval`."""

    opened: list[Llama]
    metadata: dict[str, str]
    recurrent: bool

    def __init__(self, model_path: str, n_ctx: int, **options: Any) -> None:
        self.options = options
        self.room = n_ctx
        self.seen: list[int] = []
        self.n_tokens = 0
        self.read: list[int] = []
        self.closed = False
        self.ctx = self.model = self
        self.opened.append(self)

    def close(self) -> None:
        self.closed = True

    def n_vocab(self) -> int:
        return VOCABULARY

    def n_ctx(self) -> int:
        return self.room

    def token_bos(self) -> int:
        return BEGIN

    def token_eos(self) -> int:
        return END

    def reset(self) -> None:
        self.n_tokens = 0

    def eval(self, tokens: Sequence[int]) -> None:
        assert not self.closed
        assert not (self.recurrent and 0 < self.n_tokens < len(self.seen)), "a recurrent state cannot be cut"
        self.seen = [*self.seen[: self.n_tokens], *tokens]
        self.n_tokens = len(self.seen)
        self.read.append(len(tokens))
        assert self.n_tokens <= self.room

    def tokenize(self, text: bytes, add_bos: bool = True, special: bool = False) -> list[int]:
        found = [BEGIN] if add_bos else []
        while text:
            named = next((token for token, name in NAMES.items() if special and text.startswith(name)), None)
            found.append(text[0] if named is None else named)
            text = text[1 if named is None else len(NAMES[named]) :]
        return found


def install(
    patch: pytest.MonkeyPatch, *, template: str | None = TEMPLATE, recurrent: bool = False, offloads: bool = False
) -> type[Llama]:
    """Let `import llama_cpp` find the fake for a test; its class, which lists what was opened."""
    metadata = {} if template is None else {"tokenizer.chat_template": template}
    fake = type("Llama", (Llama,), {"opened": [], "metadata": metadata, "recurrent": recurrent})
    module: Any = types.ModuleType("llama_cpp")
    module.__spec__ = importlib.machinery.ModuleSpec("llama_cpp", None)
    module.Llama = fake
    module.LLAMA_SPLIT_MODE_NONE = 0
    module.llama_supports_gpu_offload = lambda: offloads
    module.llama_model_get_vocab = lambda model: model
    module.llama_model_n_ctx_train = lambda model: TRAINED_TOKENS
    module.llama_model_n_params = lambda model: 1000
    module.llama_model_is_recurrent = lambda model: recurrent
    module.llama_model_is_hybrid = lambda model: False
    module.llama_vocab_is_eog = lambda vocabulary, token: token == END
    module.llama_vocab_get_text = lambda vocabulary, token: NAMES[token]
    module.llama_get_logits_ith = _logits
    module.llama_token_to_piece = _piece
    patch.setitem(sys.modules, "llama_cpp", module)
    patch.setattr(llama_cpp_model, "metadata", types.SimpleNamespace(version=lambda name: "0.0"))
    return fake


def _logits(context: Llama, place: int) -> Any:
    assert place == -1
    context.kept = logits_after(context.seen)  # type: ignore[attr-defined]  # alive as long as the context
    return context.kept.ctypes.data_as(ctypes.POINTER(ctypes.c_float))  # type: ignore[attr-defined]


def _piece(vocabulary: Any, token: int, buffer: Any, size: int, strip: int, special: bool) -> int:
    piece = NAMES[token] if special else (b"" if token in NAMES else bytes([token]))
    if len(piece) > size:
        return -len(piece)
    ctypes.memmove(buffer, piece, len(piece))
    return len(piece)
