"""Records as lm-evaluation-harness 0.4.13 (`--log_samples`) and promptfoo 0.121 (`--output`) write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def write_lines(path: Path, records: Sequence[Record]) -> Path:
    """A file of one JSON object a line."""
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def choice_sample(
    doc_id: int, question: str, choices: Sequence[str], target: int, likelihoods: Sequence[float], **changes: Any
) -> Record:
    """A multiple-choice sample: log-likelihoods are text, as lm-eval's `sanitize_list` leaves them."""
    chosen = max(range(len(choices)), key=lambda place: likelihoods[place])
    answers = [[str(value), "False"] for value in likelihoods]
    record = {
        "doc_id": doc_id,
        "doc": {"question": question, "choices": list(choices), "answer": target, "subject": "astronomy"},
        "target": str(target),
        "arguments": {
            f"gen_args_{place}": {"arg_0": f"Question: {question}\nAnswer:", "arg_1": f" {choice}"}
            for place, choice in enumerate(choices)
        },
        "resps": [[answer] for answer in answers],
        "filtered_resps": answers,
        "filter": "none",
        "metrics": ["acc", "acc_norm"],
        "doc_hash": "5a1",
        "prompt_hash": "0b2",
        "target_hash": "e3c",
        "acc": float(chosen == target),
        "acc_norm": 1.0,
    }
    return record | changes


def generation_sample(doc_id: int, question: str, target: str, output: str, answer_filter: str, right: float) -> Record:
    """A generate_until sample of one answer filter."""
    return {
        "doc_id": doc_id,
        "doc": {"question": question, "answer": f"working #### {target}"},
        "target": target,
        "arguments": {
            "gen_args_0": {
                "arg_0": f"Q: 1 + 1?\nA: 2\n\nQ: {question}\nA:",
                "arg_1": {"until": ["Q:", "</s>"], "do_sample": False, "temperature": 0.0},
            }
        },
        "resps": [[f"It is {output}."]],
        "filtered_resps": [output],
        "filter": answer_filter,
        "metrics": ["exact_match"],
        "doc_hash": "5a1",
        "prompt_hash": "0b2",
        "target_hash": "e3c",
        "exact_match": right,
    }


def promptfoo_result(
    test: int, text: str, output: str | None, expected: str = "fees", provider: str = "openai:gpt-4.1", **changes: Any
) -> Record:
    """A result that promptfoo judged by an `equals` assertion."""
    right = output == expected
    record = {
        "cost": 0.0002,
        "gradingResult": {
            "pass": right,
            "score": float(right),
            "reason": "All assertions passed" if right else f'Expected output "{output}" to equal "{expected}"',
            "componentResults": [{"pass": right, "score": float(right), "assertion": {"type": "equals"}}],
        },
        "id": f"b7c0-{test}",
        "latencyMs": 420 + test,
        "namedScores": {},
        "prompt": {"raw": f"Classify: {text}", "label": "Classify: {{message}}"},
        "promptId": "aa",
        "promptIdx": 0,
        "provider": {"id": provider, "label": ""},
        "response": {
            "output": output,
            "tokenUsage": {"total": 15, "prompt": 12, "completion": 3, "numRequests": 1},
            "cached": False,
            "cost": 0.0002,
        },
        "score": float(right),
        "success": right,
        "testCase": {
            "vars": {"message": text, "label": expected},
            "assert": [{"type": "equals", "value": "{{label}}"}],
            "options": {},
            "metadata": {},
        },
        "testIdx": test,
        "vars": {"message": text, "label": expected},
        "metadata": {},
        "failureReason": 0 if right else 1,
    }
    if not right:
        record["error"] = record["gradingResult"]["reason"]  # type: ignore[index]  # a dict, as written above
    return record | changes


def write_promptfoo(path: Path, results: Sequence[Record]) -> Path:
    """The whole document of `promptfoo eval --output`."""
    document = {
        "evalId": "eval-abc-2026-01-15T10:30:00",
        "results": {
            "version": 3,
            "timestamp": "2026-01-15T10:30:00.000Z",
            "prompts": [],
            "results": list(results),
            "stats": {"successes": len(results), "failures": 0, "errors": 0},
        },
        "config": {"providers": ["openai:gpt-4.1"]},
        "shareableUrl": None,
        "metadata": {"promptfooVersion": "0.121.20"},
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")
    return path
