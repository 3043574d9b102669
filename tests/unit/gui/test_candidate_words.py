from __future__ import annotations

from typing import Any

import pytest
from candidate_documents import candidates, neural_study, valid

from gui.app import Application
from gui.candidate_words import candidate_text
from gui.study_edits.edits import changed
from gui.study_edits.shapes import SOURCES

KIND = "classification"


def told(application: Application, place: int, *edits: tuple[str, Any]) -> str:
    known = candidates()
    for path, value in edits:
        known = changed(known, place, path, value, KIND)
    study = valid(neural_study(), known)
    return candidate_text(application.context.translator, study, study.candidates[place])


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        ((("model.layers", [0, 2, 5]),), "layers 0, 2, 5 of big, distilled over 6 epochs"),
        (
            (("model.feed_forward", 512), ("model.heads", 6)),
            "2 layers of big, feed-forward 512, 6 attention heads, distil",
        ),
        ((("model.trim_vocabulary", True),), "vocabulary trimmed before training"),
        ((("train.stages", [{"layers": 4}]),), "by way of an assistant of 4 layers, distilled"),
        ((("train.seeds", [1, 2, 3]),), "3 seeds"),
        ((("train.lora", True),), "adapter of rank 8"),
        ((("train.hidden_weight", 1.0),), "following hidden states"),
        ((("train.hard_label_baseline", True),), "with a baseline on the targets"),
        ((("train.dynamic", True), ("train.dynamic.stream", "new.csv")), "going on with new.csv"),
        ((("compress", [{"prune": 0.8, "rungs": 4}]),), "80\u00a0% of the parameters removed in 4 rungs"),
        ((("model.source", "sweep"),), "best of 20 trials under big"),
        (
            (("model.source", "hub"), ("model.id", "a/b"), ("train.technique", "labels")),
            "a/b, distilled over 6 epochs by big",
        ),
        ((("model.source", "baseline"),), "the better linear model by big"),
        ((("model.source", "gguf"), ("model.file", "a.gguf"), ("retrieval", True)), "a.gguf, given passages"),
    ],
)
def test_how_a_candidate_is_made_is_told(application: Application, edits: Any, sentence: str) -> None:
    assert sentence in told(application, 1, *edits)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_words(application: Application, source: str) -> None:
    filled = {"endpoint": [("model.base_url", "https://example.com")], "candidate": [("model.name", "big")]}
    filled |= {name: [("model.id", "x")] for name in ("hub", "sample")} | {"local": [("model.path", "x")]}
    assert told(application, 1, ("model.source", source), *filled.get(source, []))
