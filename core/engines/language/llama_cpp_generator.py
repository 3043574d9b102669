"""A language model under llama.cpp: answers, and probabilities of given answers."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from core.domain import FloatArray
from core.engines.language.generator import Generation
from core.engines.language.llama_cpp_model import LlamaCppModel
from core.engines.language.sharing import shared_opening
from core.engines.language.told import Decoded, told
from core.errors import UserError

# A request that is longer than all that were foreseen is not the last one: each enlargement opens the file again.
_ROOM_TO_GROW = 1.5


class LlamaCppGenerator:
    """The language model of a GGUF file, greedy, with the file's own chat template. Satisfies
    `generator.LocalGenerator`.

    It answers one request after the other, as llama-cpp-python does, also where several threads ask. `on_step` is
    called several times within an answer and may raise, which ends it. `requests` and `answer_tokens` say what will be
    asked, so that room is made once, while the model is loaded.
    """

    def __init__(
        self,
        source: Path,
        on_step: Callable[[], None] = lambda: None,
        requests: Sequence[str] = (),
        answer_tokens: int = 0,
    ) -> None:
        self._source = source
        self._on_step = on_step
        self._model = LlamaCppModel(source)
        self._lock = threading.Lock()
        self._opening: tuple[int, ...] = ()
        self._sees_opening = False
        self.runtime = "llama.cpp"
        self.device = self._model.device
        self.context_tokens: int | None = self._model.context_tokens
        self.parameters = self._model.parameters
        self.weight_bytes = source.stat().st_size
        if requests:
            longest = max(self.token_counts(requests)) + answer_tokens
            self._model.make_room(min(longest, self._model.context_tokens))

    def share_opening(self, messages: Sequence[str]) -> None:
        """Let what these requests begin with be read once, where the model can forget what follows. The same requests
        give the same opening, whichever of them are then asked."""
        prompts = [self._model.prompt(message) for message in messages]
        fitting = [prompt for prompt in prompts if self._room(prompt) > 0]
        self._opening = shared_opening(fitting) if self._model.rewinds else ()
        self._sees_opening = False

    def generate(self, messages: Sequence[str], max_output_tokens: int) -> list[Generation]:
        """One greedy answer for each message, one after the other, in their order. A request that leaves no room for
        an answer in the model's context is not asked (`too_long`)."""
        begun = time.perf_counter()
        results = []
        with self._lock:
            for message in messages:
                prompt = self._model.prompt(message)
                limit = min(max_output_tokens, self._room(prompt))
                if limit > 0:
                    results.append(self._answered(prompt, limit, begun))
                else:
                    results.append(Generation("", input_tokens=len(prompt), finish_reason="too_long"))
                begun = time.perf_counter()
        return results

    def classify(self, messages: Sequence[str], labels: Sequence[str]) -> FloatArray:
        """The probability of each label as the whole answer, end token included, among the labels.

        Shape (messages, labels), rows sum to 1. Raises UserError where a request does not fit into the context.
        """
        with self._lock:
            prompts = [self._model.prompt(message) for message in messages]
            choices = [self._model.answer(label) for label in labels]
            longest = max(len(prompt) for prompt in prompts) + max(len(choice) for choice in choices)
            if longest > self._model.context_tokens:
                limit = self._model.context_tokens
                raise UserError("language.prompt_too_long", path=str(self._source), tokens=longest, limit=limit)
            self._make_room(longest)
            scores = np.array([self._scores(prompt, choices) for prompt in prompts])
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(likely / likely.sum(axis=1, keepdims=True), dtype=np.float64)

    def token_counts(self, messages: Sequence[str]) -> list[int]:
        """The tokens of each request, chat template included."""
        return [len(self._model.prompt(message)) for message in messages]

    def _room(self, prompt: Sequence[int]) -> int:
        """Tokens that the context leaves for the answer."""
        return self._model.context_tokens - len(prompt)

    def _make_room(self, tokens: int) -> None:
        if tokens > self._model.room:
            self._sees_opening = False
            self._model.make_room(min(int(tokens * _ROOM_TO_GROW), self._model.context_tokens))

    def _read(self, prompt: Sequence[int]) -> None:
        """Let the model see a request. The opening is read by itself, so that a request rounds the same way whatever
        was asked before it."""
        count = len(self._opening)
        begins = count > 0 and len(prompt) > count and tuple(prompt[:count]) == self._opening
        if begins and not self._sees_opening:
            self._model.see(self._opening)
        self._model.see(prompt, count if begins else 0)
        self._sees_opening = begins

    def _answered(self, prompt: Sequence[int], limit: int, begun: float) -> Generation:
        self._on_step()
        self._make_room(len(prompt) + limit)
        self._read(prompt)
        answer: list[int] = []
        moments: list[float] = []
        total = 0.0
        while True:
            token, value = self._model.best()
            answer.append(token)
            total += value
            moments.append((time.perf_counter() - begun) * 1000)
            self._on_step()
            ended = self._model.ends(token)
            if ended or len(answer) >= limit:
                return told(len(prompt), Decoded(answer, total), moments, ended, self._model.text)
            self._model.add(token)

    def _scores(self, prompt: Sequence[int], choices: Sequence[Sequence[int]]) -> list[float]:
        """log P(choice | prompt) of each choice: the prompt is read once, and so is what choices begin with alike."""
        sums = [0.0] * len(choices)
        self._on_step()
        self._read(prompt)

        def weigh(places: Sequence[int], path: Sequence[int]) -> None:
            following: dict[int, list[int]] = defaultdict(list)
            for place in places:
                following[choices[place][len(path)]].append(place)
            values = self._model.log_probabilities(list(following))
            for (token, members), value in zip(following.items(), values, strict=True):
                for place in members:
                    sums[place] += value
                longer = [place for place in members if len(choices[place]) > len(path) + 1]
                if longer:
                    self._on_step()
                    self._model.see([*prompt, *path, token], len(prompt) + len(path))
                    weigh(longer, [*path, token])

        weigh(range(len(choices)), ())
        return sums
