"""Students made of some of their teacher's layers, over families of encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import LABELS, tiny_config, tiny_tokenizer, write_body, write_classifier
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
)

from core.engines.distill.construct import layer_indices, student_from_layers
from core.engines.models.card import ModelCard
from core.engines.models.opening import open_classifier
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.spec import TeacherLayers

SIZES: dict[str, Any] = {
    "vocab_size": 24,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
FAMILIES: dict[str, Any] = {
    "bert": tiny_config(4),
    "roberta": RobertaConfig(num_hidden_layers=4, **SIZES),
    "distilbert": DistilBertConfig(vocab_size=24, dim=16, n_heads=2, n_layers=4, hidden_dim=32, pad_token_id=0),
    "mpnet": MPNetConfig(num_hidden_layers=4, **SIZES),
    "electra": ElectraConfig(num_hidden_layers=4, embedding_size=16, **SIZES),
    "deberta_v2": DebertaV2Config(num_hidden_layers=4, relative_attention=True, pos_att_type=["c2p", "p2c"], **SIZES),
    "modernbert": ModernBertConfig(
        num_hidden_layers=4, cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3, **SIZES
    ),
}


@pytest.mark.parametrize(
    ("available", "layers", "kept"),
    [(6, 2, (0, 5)), (6, 3, (0, 3, 5)), (12, 4, (0, 4, 7, 11)), (6, 6, (0, 1, 2, 3, 4, 5)), (6, 1, (0,))],
)
def test_a_number_of_layers_is_spaced_evenly_with_the_first_and_last(
    available: int, layers: int, kept: tuple[int, ...]
) -> None:
    assert layer_indices(available, layers) == kept


def test_a_list_of_layers_is_taken_as_it_stands() -> None:
    assert layer_indices(6, [4, 1]) == (4, 1)


@pytest.mark.parametrize(
    ("layers", "words"), [(7, "at most 6"), ([0, 6], "no layer 6"), ([1, 1], "name each layer once")]
)
def test_layers_that_the_teacher_lacks_are_refused(layers: int | list[int], words: str) -> None:
    with pytest.raises(UserError, match=words):
        layer_indices(6, layers)


@pytest.mark.parametrize("family", FAMILIES)
def test_student_has_the_chosen_layers_and_reloads_with_plain_from_pretrained(family: str, tmp_path: Path) -> None:
    teacher = write_classifier(tmp_path / "teacher", write_body(tmp_path / "body", FAMILIES[family]))
    student = student_from_layers(teacher / "model", LABELS, TeacherLayers(source="teacher", layers=[0, 3])).model.eval()
    card = ModelCard(format="transformers", labels=LABELS, max_length=32, architecture=type(student).__name__)
    save_transformers_model(tmp_path / "student", student, tiny_tokenizer(), card)

    reloaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "student").eval()
    assert reloaded.config.num_hidden_layers == 2
    ids = torch.tensor([[2, 5, 9, 3], [2, 7, 11, 3]])
    mask = torch.ones_like(ids)
    with torch.no_grad():
        assert torch.equal(
            reloaded(input_ids=ids, attention_mask=mask).logits, student(input_ids=ids, attention_mask=mask).logits
        )
    original = AutoModelForSequenceClassification.from_pretrained(teacher / "model")
    matrices = {name: tensor for name, tensor in original.state_dict().items() if ".3." in name}
    taken = student.state_dict()
    assert matrices
    assert all(torch.equal(taken[name.replace(".3.", ".1.")], tensor) for name, tensor in matrices.items())


def test_student_with_all_layers_answers_as_its_teacher(teacher: Path, tmp_path: Path) -> None:
    student = student_from_layers(teacher / "model", LABELS, TeacherLayers(source="teacher", layers=3)).model
    card = ModelCard(format="transformers", labels=LABELS, max_length=32, architecture="BertForSequenceClassification")
    save_transformers_model(tmp_path / "student", student, tiny_tokenizer(), card)
    texts = ["my card lost", "rate please"]
    answers = [open_classifier(folder).probabilities(texts) for folder in (teacher / "model", tmp_path / "student")]
    assert (answers[0] == answers[1]).all()


def test_a_model_that_shares_one_layer_gives_no_layers(tmp_path: Path) -> None:
    config = AlbertConfig(num_hidden_layers=4, embedding_size=16, **SIZES)
    teacher = write_classifier(tmp_path / "teacher", write_body(tmp_path / "body", config))
    with pytest.raises(UserError, match="smaller base model"):
        student_from_layers(teacher / "model", LABELS, TeacherLayers(source="teacher", layers=2))
