"""What an endpoint answered, read from its JSON; fields that it leaves out are null."""

from __future__ import annotations

import json
import math
from typing import Any

from core.engines.language.answer import Answer, TokenStep
from core.engines.language.endpoint_trouble import Reach, TransientTrouble
from core.engines.language.generator import FinishReason, Generation
from core.metrics.reasoning import split_reasoning

# A label is told by then; the tokens of long texts would only fill the disk.
KEPT_STEPS = 48
_LEAST = -9999.0
# What servers say of an answer that ended by itself; anything else, or nothing, may be half an answer.
_FINISH: dict[str, FinishReason] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "finished"), "stop"),
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
}


def read_reply(body: bytes, reach: Reach, latency_ms: float, keep_steps: bool) -> Answer:
    """The answer in a chat completion (OpenAI's, with DeepSeek's `reasoning_content` and vLLM's `reasoning`).

    `keep_steps` keeps the tokens of the answer with their alternatives. Raises TransientTrouble where it is none.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise TransientTrouble("endpoint.not_json", url=reach.url, words=_shown(reach, body)) from error
    return read_document(document, reach, latency_ms, keep_steps, body)


def read_document(document: Any, reach: Reach, latency_ms: float, keep_steps: bool, body: bytes) -> Answer:
    """The answer in a chat completion that was read already; `body` is what it was read from, for words about it.

    Raises TransientTrouble where it is none.
    """
    choice = _first_choice(document)
    if choice is None:
        raise TransientTrouble("endpoint.no_choice", url=reach.url, words=_shown(reach, body))
    message = choice["message"]
    told, written = split_reasoning(_content(message.get("content")))
    apart = [message.get(name) for name in ("reasoning_content", "reasoning")]
    reasoning = next((text.strip() for text in apart if isinstance(text, str) and text.strip()), told)
    given = choice.get("finish_reason")
    finish = _FINISH.get(str(given).lower())
    if finish is None and not message.get("refusal"):
        raise TransientTrouble("endpoint.unfinished", url=reach.url, words=reach.clean(str(given or "")) or "-")
    if finish is None or (not written and message.get("refusal")):
        finish = "content_filter"
    usage = document.get("usage")
    steps = _steps(choice.get("logprobs"))
    generation = Generation(
        text=written,
        reasoning=reasoning,
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        hidden_tokens=_reasoning_tokens(usage) if reasoning is None else None,
        finish_reason=finish,
        mean_log_probability=sum(step.log_probability for step in steps) / len(steps) if steps else None,
        latency_ms=latency_ms,
    )
    return Answer(generation, _answer_steps(steps, written)[:KEPT_STEPS] if keep_steps else ())


def _first_choice(document: Any) -> dict[str, Any] | None:
    """The first choice with a message; null where the document is something else."""
    choices = document.get("choices") if isinstance(document, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) and isinstance(first.get("message"), dict) else None


def _content(content: Any) -> str:
    """A message's text; some endpoints hand it over in parts, and null where there is only reasoning."""
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    # Half a character, which JSON can say, could not be written to a file.
    return content.encode("utf-8", "replace").decode("utf-8") if isinstance(content, str) else ""


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value >= 0 else None


def _reasoning_tokens(usage: Any) -> int | None:
    """How many of the completion's tokens are reasoning; null where none are, or nobody says. Some servers count them
    beside the completion's, which shows in their total."""
    if not isinstance(usage, dict):
        return None
    reasoning = _count(usage.get("completion_tokens_details"), "reasoning_tokens")
    counts = [_count(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    if not reasoning or counts[1] is None or reasoning > counts[1]:
        return None
    beside = None not in counts and counts[2] == (counts[0] or 0) + counts[1] + reasoning
    return None if beside else reasoning


def _shown(reach: Reach, body: bytes) -> str:
    return reach.clean(body[:1000].decode("utf-8", "replace")) or "-"


def _steps(logprobs: Any) -> tuple[TokenStep, ...]:
    """The tokens with their log-probabilities; none where the endpoint gives none, or in a form of its own."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    try:
        return tuple(
            TokenStep(
                _token(entry),
                _log_probability(entry["logprob"]),
                tuple((_token(other), _log_probability(other["logprob"])) for other in entry.get("top_logprobs") or ()),
            )
            for entry in content
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _token(entry: dict[str, Any]) -> str:
    """A token's text; its bytes tell it exactly where it ends within a character."""
    given = entry.get("bytes")
    if isinstance(given, list) and given:
        return bytes(given).decode("utf-8", "surrogateescape")
    return str(entry["token"])


def _log_probability(value: Any) -> float:
    """Some servers write -9999 or -Infinity for a probability of 0. Raises ValueError for what is no number."""
    number = float(value)
    if math.isnan(number):
        raise ValueError("a log-probability that is no number")
    return max(number, _LEAST)


def _answer_steps(steps: tuple[TokenStep, ...], text: str) -> tuple[TokenStep, ...]:
    """The steps from where the answer begins, after those of its reasoning; white space may open the first one.

    None where no token begins the answer.
    """
    pieces = [step.token.encode("utf-8", "surrogateescape") for step in steps]
    whole, answer = b"".join(pieces), text.encode("utf-8")
    if not answer:
        return ()
    position = len(whole)
    for place in range(len(steps) - 1, -1, -1):
        position -= len(pieces[place])
        found = whole.find(answer, position, position + len(pieces[place]) + len(answer))
        if found >= 0 and not whole[position:found].strip() and found < position + len(pieces[place]):
            return steps[place:]
    return ()
