"""ONNX classifiers of someone else's making, and ONNX Runtime's execution providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_models import write_sum_model
from tiny_models import LABELS

from core.engines.models import open_classifier, providers
from core.engines.models.protocol import Runtime
from core.engines.models.starting import load_starting_model
from core.errors import UserError
from core.jobs.model_sources import ready_model
from core.model_files import check_answering_folder, check_model_folder
from core.spec import LocalModel

TEXTS = ["my card lost please help now today the", "rate", "money back"]
OPENVINO: Runtime = "onnxruntime-openvino"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder as exporters write them: model, config, tokenizer, and no card of ours."""
    return as_foreign(write_sum_model(tmp_path / "model"))


def as_foreign(folder: Path, **config: Any) -> Path:
    (folder / "tercet.json").unlink()
    names = {str(place): label for place, label in enumerate(LABELS)}
    document = {"architectures": ["SumsForSequenceClassification"], "id2label": names, **config}
    (folder / "config.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_a_foreign_onnx_classifier_answers_with_the_labels_of_its_config(foreign: Path, tmp_path: Path) -> None:
    ours = write_sum_model(tmp_path / "ours")
    classifier = open_classifier(foreign)
    assert (classifier.runtime, classifier.labels) == ("onnxruntime", LABELS)
    found, wanted = classifier.probabilities(TEXTS[1:]), open_classifier(ours).probabilities(TEXTS[1:])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_it_reads_no_more_tokens_than_its_config_allows(tmp_path: Path) -> None:
    folder = as_foreign(write_sum_model(tmp_path / "model"), max_position_embeddings=5)
    assert open_classifier(folder).token_counts(TEXTS) == [5, 3, 4]


def test_the_only_output_with_a_number_for_each_label_is_taken_whatever_its_name(tmp_path: Path) -> None:
    named, other = (write_sum_model(tmp_path / name, output=name) for name in ("logits", "output_0"))
    np.testing.assert_array_equal(
        open_classifier(other).probabilities(TEXTS), open_classifier(named).probabilities(TEXTS)
    )


def test_a_model_without_such_an_output_is_refused(tmp_path: Path) -> None:
    folder = as_foreign(write_sum_model(tmp_path / "model", output="hidden"), id2label={"0": "a", "1": "b"})
    with pytest.raises(UserError, match="each of the 2 labels"):
        open_classifier(folder)


def test_a_config_without_labels_is_refused(foreign: Path) -> None:
    (foreign / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="id2label"):
        open_classifier(foreign)


def test_an_onnx_folder_is_taken_to_answer_and_refused_to_train(foreign: Path) -> None:
    check_answering_folder(foreign)
    part = ready_model(LocalModel(source="local", path=foreign.name), foreign.parent)
    assert part.sha256 is not None
    with pytest.raises(UserError, match="neither be trained nor cut"):
        check_model_folder(foreign)
    with pytest.raises(UserError, match="onnx cannot be trained"):
        load_starting_model(foreign, LABELS)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_an_onnx_folder_that_lacks_a_part_is_refused_by_its_name(foreign: Path, name: str) -> None:
    (foreign / name).unlink()
    with pytest.raises(UserError, match=name):
        check_answering_folder(foreign)


def test_every_provider_but_the_cpu_s_is_a_runtime_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = ["OpenVINOExecutionProvider", "CUDAExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: offered)
    assert providers.accelerated_runtimes() == ("onnxruntime-cuda", OPENVINO)


def test_a_provider_that_is_not_there_is_refused(foreign: Path) -> None:
    with pytest.raises(UserError, match="OpenVINOExecutionProvider"):
        open_classifier(foreign, OPENVINO)


def test_a_session_that_falls_back_to_the_cpu_is_refused_and_not_timed_under_another_name(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(providers.PROVIDERS, OPENVINO, "CPUExecutionProvider")
    monkeypatch.setattr(
        "onnxruntime.InferenceSession.get_providers", lambda self: ["OtherExecutionProvider", "CPUExecutionProvider"]
    )
    with pytest.raises(UserError, match="does not run this model"):
        open_classifier(foreign, OPENVINO)


def test_a_model_on_another_provider_says_where_it_runs(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The provider that every machine has stands in for one that few have: the code is the same.
    monkeypatch.setitem(providers.PROVIDERS, OPENVINO, "CPUExecutionProvider")
    classifier = open_classifier(foreign, OPENVINO)
    assert classifier.runtime == OPENVINO
    assert classifier.device.endswith("(ONNX Runtime)")
    np.testing.assert_array_equal(classifier.probabilities(TEXTS), open_classifier(foreign).probabilities(TEXTS))
