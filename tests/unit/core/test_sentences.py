"""Sentences know what they were made of, so that any language can tell them later."""

from __future__ import annotations

import ast
import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import core
from core.errors import UserError, told
from core.i18n import Sentence, Value, english, listed, stored_values, translate, translate_text
from core.sweep_words import settings_words

REASON = english("benchmark.log.reason.library", library="onnx")
LINE = english("benchmark.log.no_onnx", reason=REASON)
CHINESE = "不采用 onnxruntime：未安装 onnx"


def test_a_sentence_is_its_english_text_with_its_code_and_values() -> None:
    assert LINE == "onnxruntime is left out: onnx is not installed"
    assert (LINE.code, LINE.values) == ("benchmark.log.no_onnx", {"reason": REASON})


def test_a_reason_inside_a_sentence_is_told_in_its_language() -> None:
    assert translate("zh_CN", LINE.code, **LINE.values) == CHINESE


def test_a_sentence_is_told_as_well_after_it_was_kept_as_json() -> None:
    kept = json.loads(json.dumps(stored_values(LINE.values)))
    assert translate_text("zh_CN", LINE.code, kept, str(LINE)) == CHINESE


def test_a_reason_that_is_unknown_here_keeps_its_english_text() -> None:
    kept = {"reason": {"code": "reason.of_tomorrow", "values": {}, "text": "the moon is full"}}
    assert translate_text("zh_CN", LINE.code, kept, "…") == "不采用 onnxruntime：the moon is full"


@pytest.mark.parametrize("values", [{}, {"share": None, "failed": 1, "sent": 2, "reason": "x"}])
def test_values_that_do_not_fill_a_sentence_leave_its_english_text(values: dict[str, int | str | None]) -> None:
    assert translate_text("zh_CN", "endpoint.log.failed_share", values, "as it was written") == "as it was written"


def test_figures_of_numpy_are_kept_like_pythons_own() -> None:
    kept = stored_values({"rows": np.int64(3), "share": np.float64(0.5), "fast": True, "none": None})  # type: ignore[dict-item]
    assert json.dumps(kept) == '{"rows": 3, "share": 0.5, "fast": true, "none": null}'


def test_a_sentence_survives_a_copy_and_a_pickle() -> None:
    for again in (copy.deepcopy(LINE), pickle.loads(pickle.dumps(LINE))):  # noqa: S301 - our own
        assert again == LINE
        assert translate("zh_CN", again.code, **again.values) == CHINESE


def test_a_list_is_told_as_each_language_lists() -> None:
    names = listed(["a", REASON, "c"])
    assert names == "a, onnx is not installed, c"
    assert isinstance(names, Sentence)
    assert translate("zh_CN", names.code, **names.values) == "a、未安装 onnx、c"
    assert (listed([]), listed(["a"])) == ("", "a")


def test_a_list_of_thousands_is_told_as_well() -> None:
    rows = listed(f"row-{number}" for number in range(5000))
    assert isinstance(rows, Sentence)
    assert translate_text("zh_CN", rows.code, stored_values(rows.values), "") == rows.replace(", ", "、")


def test_an_error_says_its_sentence_and_a_librarys_its_words() -> None:
    refused = told(UserError("endpoint.cap_reached", cap=3))
    assert isinstance(refused, Sentence)
    assert refused.code == "endpoint.cap_reached"
    assert told(OSError(2, "no such file")) == "[Errno 2] no such file"


def joined_sentences(tree: ast.AST) -> Iterator[int]:
    """The lines on which a text is put together from sentences."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)):
            calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
            if any(isinstance(function, ast.Name) and function.id == "english" for function in calls):
                yield node.lineno


def test_jobs_put_no_text_together_from_sentences_for_only_english_could_tell_it() -> None:
    folder = Path(str(core.__file__)).parent
    sources = [
        path for room in ("data", "engines", "jobs", "routing", "worker") for path in (folder / room).rglob("*.py")
    ]
    found = [f"{path.name}:{line}" for path in sources for line in joined_sentences(ast.parse(path.read_text("utf-8")))]
    assert found == []


def test_the_settings_of_a_trial_are_told_in_words_and_figures_as_they_are_written() -> None:
    settings: dict[str, Value] = {"layers": 2, "feed_forward": None, "trim_vocabulary": True, "temperature": 1.4567}
    words = settings_words({**settings, "quantize": "none"}, lambda figure: f"{figure:.3g}")
    assert words == "layers 2, feed_forward all, trim_vocabulary yes, temperature 1.46, quantize none"
    assert isinstance(words, Sentence)
    chinese = translate("zh_CN", words.code, **words.values)
    assert chinese == "层 2、宽度 全部、裁剪词表 是、温度 1.46、权重 不量化"
