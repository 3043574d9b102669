"""Students made of some of their teacher's layers, over families of encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_language_models import write_language_model
from tiny_models import LABELS, tiny_config, tiny_tokenizer, write_body, write_classifier
from transformers import (
    AlbertConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
)

from core.engines.distill.construct import language_student_from_layers, layer_indices, student_from_layers
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
    student = student_from_layers(
        teacher / "model", LABELS, TeacherLayers(source="teacher", layers=[0, 3])
    ).model.eval()
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


def test_a_narrower_student_with_the_vocabulary_of_the_texts_reloads_and_reads_them(tmp_path: Path) -> None:
    teacher = write_classifier(tmp_path / "teacher", write_body(tmp_path / "body", tiny_config(4)))
    wanted = TeacherLayers(source="teacher", layers=2, feed_forward=8, trim_vocabulary=True)
    made = student_from_layers(teacher / "model", LABELS, wanted, ["lost card please", "help now"])
    card = ModelCard(format="transformers", labels=LABELS, max_length=32, architecture="BertForSequenceClassification")
    save_transformers_model(tmp_path / "student", made.model, made.tokenizer, card)

    config = AutoModelForSequenceClassification.from_pretrained(tmp_path / "student").config
    assert (config.num_hidden_layers, config.intermediate_size) == (2, 8)
    assert config.vocab_size == len(made.tokenizer) == 4 + 4
    assert made.details == {"layers": "2", "feed_forward": 8, "vocabulary": 8}
    assert made.tokenizer.tokenize("lost please") == ["lost", "please"]
    texts = ["lost please", "money"]
    assert open_classifier(tmp_path / "student").probabilities(texts).shape == (2, len(LABELS))


def test_a_trimmed_student_with_all_else_of_its_teacher_answers_the_texts_as_it_does(
    teacher: Path, tmp_path: Path
) -> None:
    texts = ["lost my money", "rate"]
    wanted = TeacherLayers(source="teacher", layers=3, feed_forward=32, trim_vocabulary=True)
    made = student_from_layers(teacher / "model", LABELS, wanted, texts)
    card = ModelCard(format="transformers", labels=LABELS, max_length=32, architecture="BertForSequenceClassification")
    save_transformers_model(tmp_path / "student", made.model, made.tokenizer, card)
    answers = [open_classifier(folder).probabilities(texts) for folder in (teacher / "model", tmp_path / "student")]
    assert answers[0] == pytest.approx(answers[1], abs=1e-7)


@pytest.mark.parametrize(
    ("narrower", "code"), [({"feed_forward": 33}, "train.feed_forward_too_many"), ({"heads": 1}, "train.heads_fixed")]
)
def test_widths_that_the_teacher_cannot_give_are_refused(teacher: Path, narrower: dict[str, int], code: str) -> None:
    wanted = TeacherLayers.model_validate({"source": "teacher", "layers": 1, **narrower})
    with pytest.raises(UserError) as refused:
        student_from_layers(teacher / "model", LABELS, wanted)
    assert refused.value.code == code


@pytest.mark.parametrize("tied", [True, False])
def test_a_language_student_has_fewer_layers_neurons_and_heads(tmp_path: Path, tied: bool) -> None:
    source = write_language_model(tmp_path / "source", layers=4, tied=tied)
    wanted = TeacherLayers(source="teacher", layers=[0, 2], feed_forward=16, heads=2)
    student, _ = language_student_from_layers(source, wanted)
    student.generation_config.max_new_tokens = 9
    student.save_pretrained(tmp_path / "student")
    reloaded = AutoModelForCausalLM.from_pretrained(tmp_path / "student")
    ids = torch.tensor([[2, 7, 9, 30]])
    with torch.no_grad():
        assert torch.equal(reloaded(input_ids=ids).logits, student(input_ids=ids).logits)
    config = reloaded.config
    sizes = (config.num_hidden_layers, config.intermediate_size, config.num_attention_heads, config.num_key_value_heads)
    assert sizes == (2, 16, 2, 1)
    assert (reloaded.lm_head.weight is reloaded.model.embed_tokens.weight) == tied
    assert reloaded.generation_config.max_new_tokens == 9
    # Generation goes through the cache, whose places are the layers' numbers.
    with_cache, without = (student.generate(ids, max_new_tokens=5, use_cache=cache) for cache in (True, False))
    assert torch.equal(with_cache, without)
