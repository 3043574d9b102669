"""A candidate's predictions on disk: `predictions.jsonl` in the folder of a benchmark job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.data.jsonl import read_rows, write_rows
from core.domain import Prediction

FILE_NAME = "predictions.jsonl"


def write_predictions(folder: Path, predictions: Sequence[Prediction]) -> Path:
    """Write all predictions and return the file's path. Raises UserError (disk.full); ValueError for NaN."""
    path = folder / FILE_NAME
    write_rows(path, predictions, _encode)
    return path


def read_predictions(folder: Path) -> list[Prediction]:
    """All predictions of a benchmark job's folder, in the order in which they were written."""
    return list(read_rows(folder / FILE_NAME, _decode))


def _encode(prediction: Prediction) -> dict[str, Any]:
    return {
        "id": prediction.example_id,
        "output": prediction.output,
        "score": prediction.score,
        "confidence": prediction.confidence,
        "input_tokens": prediction.input_tokens,
        "output_tokens": prediction.output_tokens,
        "latency_ms": prediction.latency_ms,
    }


def _decode(document: dict[str, Any]) -> Prediction:
    return Prediction(
        example_id=document["id"],
        output=document["output"],
        score=document["score"],
        confidence=document["confidence"],
        input_tokens=document["input_tokens"],
        output_tokens=document["output_tokens"],
        latency_ms=document["latency_ms"],
    )
