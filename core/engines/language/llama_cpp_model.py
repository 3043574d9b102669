"""A GGUF file opened by llama.cpp, through llama-cpp-python: its tokens, its chat template, and its logits.

Weights stay quantised as they are in the file, and so does the arithmetic: answers are llama.cpp's own, which differ
from those of the same file unpacked under torch.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from core.engines.language.chat_template import asked_in_chat
from core.engines.machine import cpu_threads, cpu_words
from core.errors import UserError
from core.gpu import DEVICE_VARIABLE
from core.lazy import load
from core.model_files import check_gguf_file

PACKAGE = "llama-cpp-python"
# Room for the first requests; the cache of keys and values is made anew where a longer one comes.
_FIRST_ROOM_TOKENS = 512
_ROOM_STEP_TOKENS = 256
_PIECE_BYTES = 64


def library_words() -> str:
    """The library with its version, which is part of what determines its answers. Raises UserError where it is not
    installed."""
    load("llama_cpp")
    return f"{PACKAGE} {metadata.version(PACKAGE)}"


def device_words() -> str:
    """What llama.cpp runs on here, as a word for the user. Raises UserError where it is not installed."""
    return "GPU (llama.cpp)" if _offloads(load("llama_cpp")) else cpu_words(cpu_threads())


def _offloads(library: Any) -> bool:
    """Whether layers go to a GPU: this build of llama.cpp can use one, and the user did not ask for the CPU."""
    return os.environ.get(DEVICE_VARIABLE) != "cpu" and bool(library.llama_supports_gpu_offload())


class LlamaCppModel:
    """One sequence of tokens that the model sees, and what it expects next.

    `context_tokens` is what it was trained to see at once. `rewinds` says that it can forget the last tokens that it
    saw, which a model with a recurrent state cannot. Raises UserError where llama.cpp does not open the file.
    """

    def __init__(self, file: Path) -> None:
        check_gguf_file(file)
        self._library: Any = load("llama_cpp")
        self._file = file
        self.device = device_words()
        self._llama = self._opened(_FIRST_ROOM_TOKENS)
        model = self._llama.model
        self._vocabulary = self._library.llama_model_get_vocab(model)
        self._tokens = int(self._llama.n_vocab())
        self._pieces: dict[int, bytes] = {}
        self.context_tokens = int(self._library.llama_model_n_ctx_train(model))
        self.parameters = int(self._library.llama_model_n_params(model))
        self.rewinds = not (self._library.llama_model_is_recurrent(model) or self._library.llama_model_is_hybrid(model))
        self.end_token = int(self._llama.token_eos())

    @property
    def room(self) -> int:
        """How many tokens it can see now, without being opened anew."""
        return int(self._llama.n_ctx())

    def make_room(self, tokens: int) -> None:
        """Get room for a sequence of so many tokens; where there was less, the model has forgotten what it saw."""
        if tokens <= self.room:
            return
        self._llama.close()
        self._llama = self._opened(-(-tokens // _ROOM_STEP_TOKENS) * _ROOM_STEP_TOKENS)
        self._vocabulary = self._library.llama_model_get_vocab(self._llama.model)

    def _opened(self, room: int) -> Any:
        threads = cpu_threads()
        options: dict[str, Any] = {"n_ctx": room, "n_threads": threads, "n_threads_batch": threads, "verbose": False}
        if _offloads(self._library):
            options["n_gpu_layers"] = -1
            kind, _, index = os.environ.get(DEVICE_VARIABLE, "").partition(":")
            if kind == "cuda" and index.isdigit():
                options |= {"split_mode": self._library.LLAMA_SPLIT_MODE_NONE, "main_gpu": int(index)}
        try:
            return self._library.Llama(model_path=str(self._file), **options)
        except (ValueError, RuntimeError, OSError) as error:
            problem = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError("model.gguf.llama_cpp", path=str(self._file), problem=problem) from error

    def see(self, tokens: Sequence[int], kept: int = 0) -> None:
        """Let the model see these tokens and nothing else; the first `kept` of them it sees already, in the same room.

        Where it cannot forget, it reads all of them again.
        """
        if kept and self.rewinds:
            self._llama.n_tokens = kept
        else:
            kept = 0
            self._llama.reset()
        self._llama.eval(list(tokens[kept:]))

    def add(self, token: int) -> None:
        """Let the model see one more token."""
        self._llama.eval([token])

    def best(self) -> tuple[int, float]:
        """The most probable next token, and the natural logarithm of its probability."""
        logits = self._logits()
        token = int(logits.argmax())
        return token, float(logits[token]) - _log_sum(logits)

    def log_probabilities(self, tokens: Sequence[int]) -> list[float]:
        """The natural logarithms of the probabilities of these next tokens."""
        logits = self._logits()
        total = _log_sum(logits)
        return [float(logits[token]) - total for token in tokens]

    def _logits(self) -> Any:
        """Of the token after the last one that was seen, shape (vocabulary,): a view, valid until the next token."""
        pointer = self._library.llama_get_logits_ith(self._llama.ctx, -1)
        return np.ctypeslib.as_array(pointer, shape=(self._tokens,))

    def ends(self, token: int) -> bool:
        """Whether an answer ends with this token."""
        return token == self.end_token or bool(self._library.llama_vocab_is_eog(self._vocabulary, token))

    def text(self, tokens: Sequence[int]) -> str:
        """What tokens write, special ones left out."""
        return b"".join(self._piece(token) for token in tokens).decode("utf-8", errors="replace")

    def _piece(self, token: int) -> bytes:
        # The library's own `detokenize` drops tokens of more than 32 bytes.
        if token not in self._pieces:
            size = _PIECE_BYTES
            while True:
                buffer = ctypes.create_string_buffer(size)
                count = self._library.llama_token_to_piece(self._vocabulary, token, buffer, size, 0, False)
                if count >= 0:
                    break
                size = -count
            self._pieces[token] = buffer.raw[:count]
        return self._pieces[token]

    def prompt(self, message: str) -> list[int]:
        """The tokens of a request: one user message in the file's chat template, up to where the answer begins.

        Without a template they are those of the message as it is, after the beginning token that the vocabulary adds.
        Raises UserError where the template cannot be used.
        """
        template = self._template
        if template is None:
            ids = self._ids(message, begins=True)
            return ids[:-1] if ids and ids[-1] == self.end_token else ids
        begin, end = self._llama.token_bos(), self.end_token
        names = {"bos_token": self._name_of(begin), "eos_token": self._name_of(end)}
        try:
            return self._ids(asked_in_chat(template, message, names))
        except ValueError as error:
            raise UserError("model.gguf.llama_cpp", path=str(self._file), problem=str(error)) from error

    def answer(self, text: str) -> list[int]:
        """The tokens of an answer with the end token after it, as they follow a request's: without a chat template a
        space parts them. Raises UserError where the vocabulary has no end token."""
        if self.end_token < 0:
            raise UserError("language.no_end_token")
        spaced = self._template is not None or self._adds_space
        return [*self._ids(text if spaced else f" {text}"), self.end_token]

    @property
    def _template(self) -> str | None:
        found: str | None = self._llama.metadata.get("tokenizer.chat_template")
        return found or None

    @property
    def _adds_space(self) -> bool:
        """Whether the tokenizer puts a space before every text by itself, as SentencePiece's does."""
        known: dict[str, str] = self._llama.metadata
        sentence_piece = known.get("tokenizer.ggml.model") == "llama"
        return sentence_piece and known.get("tokenizer.ggml.add_space_prefix", "true") == "true"

    def _ids(self, text: str, *, begins: bool = False) -> list[int]:
        # Names of special tokens stand for these within a text too, as they do for transformers' tokenizers.
        found = self._llama.tokenize(text.encode("utf-8"), add_bos=begins, special=True)
        return [int(token) for token in found]

    def _name_of(self, token: int) -> str:
        if token < 0:
            return ""
        name: bytes = self._library.llama_vocab_get_text(self._vocabulary, token)
        return name.decode("utf-8", errors="replace")


def _log_sum(logits: Any) -> float:
    most = logits.max()
    return float(most) + float(np.log(np.exp(logits - most).sum(dtype=np.float64)))
