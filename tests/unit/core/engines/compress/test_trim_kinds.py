"""Trimming BPE, Unigram and word vocabularies: the same tokens on the task's texts, and any text still encodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import LABELS, WORDS, write_classifier
from tiny_tokenizers import KINDS, unigram
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    LlamaConfig,
    XLMRobertaConfig,
)

from core.domain import Example, Split
from core.engines.compress.language_rows import LanguageRows
from core.engines.compress.trim import trim_vocabulary, uses_of_texts
from core.engines.compress.trim_pieces import kept_ids
from core.engines.models import open_classifier, read_card
from core.engines.models.card import ModelCard
from core.engines.models.writing import save_transformers_model
from core.errors import UserError
from core.spec import Task

ROWS = LanguageRows(
    Task(kind="generation", metric="exact_match", prompt="Which card? {text}"),
    tuple(
        Example(f"r{place}", Split.TRAIN, f"g{place}", text, target, fields=(("text", text),))
        for place, (text, target) in enumerate(
            [("the card was lost", "stolen card"), ("pay the money", "refund of money")]
        )
    ),
    (),
)


def language_model(folder: Path, tokenizer: Any, *, tied: bool) -> Path:
    torch.manual_seed(0)
    config = LlamaConfig(
        # Four rows of padding that mean nothing.
        vocab_size=len(tokenizer) + 4,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        initializer_range=0.3,
        tie_word_embeddings=tied,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=[tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<|end|>")],
        pad_token_id=tokenizer.pad_token_id,
    )
    model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]  # untyped there
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=[*KINDS])
def trimmed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, Path]:
    """The kind of tokenizer, a language model with it, and the same model with the vocabulary of `ROWS`."""
    folder = tmp_path_factory.mktemp("trimmed")
    source = language_model(folder / "source", KINDS[request.param](), tied=request.param != "Unigram")
    before, after = trim_vocabulary(source, ROWS.uses, folder / "out", language_model=True)
    assert after < before
    return request.param, source, folder / "out"


Trimmed = tuple[str, Path, Path]


def test_the_tasks_prompts_and_targets_are_the_same_tokens(trimmed: Trimmed) -> None:
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in trimmed[1:])
    for old, new in zip(ROWS.uses(before), ROWS.uses(after), strict=True):
        assert after.convert_ids_to_tokens(new) == before.convert_ids_to_tokens(old)


def test_the_model_says_the_same_of_the_tokens_that_are_left(trimmed: Trimmed) -> None:
    _, source, out = trimmed
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in (source, out))
    old, new = (AutoModelForCausalLM.from_pretrained(folder) for folder in (source, out))
    kept = [before.convert_tokens_to_ids(token) for token in after.convert_ids_to_tokens(list(range(len(after))))]
    for old_ids, new_ids in zip(ROWS.uses(before), ROWS.uses(after), strict=True):
        with torch.no_grad():
            wanted = old(torch.tensor([old_ids])).logits[..., kept]
            found = new(torch.tensor([new_ids])).logits
        assert torch.allclose(found, wanted, atol=1e-6)


def test_every_special_id_is_renumbered_and_ties_stay(trimmed: Trimmed) -> None:
    kind, source, out = trimmed
    before, after = (AutoTokenizer.from_pretrained(folder) for folder in (source, out))
    model = AutoModelForCausalLM.from_pretrained(out)
    ends = [after.eos_token_id, after.convert_tokens_to_ids("<|end|>")]
    assert model.config.vocab_size == len(after) == model.get_input_embeddings().num_embeddings
    assert (model.config.eos_token_id, model.config.pad_token_id) == (ends, after.pad_token_id)
    assert (model.generation_config.eos_token_id, model.generation_config.bos_token_id) == (ends, after.bos_token_id)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == (kind != "Unigram")
    assert after.all_special_tokens == before.all_special_tokens
    assert after.chat_template == before.chat_template
    assert read_card(out).kind == "language_model"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40))
def test_any_text_encodes_and_decodes_as_it_did(trimmed: Trimmed, text: str) -> None:
    before, after = _tokenizers(trimmed)
    old, new = before.encode(text, add_special_tokens=False), after.encode(text, add_special_tokens=False)
    assert new.ids.count(after.token_to_id("<unk>")) <= old.ids.count(before.token_to_id("<unk>"))
    assert after.decode(new.ids, skip_special_tokens=False) == before.decode(old.ids, skip_special_tokens=False)
    if trimmed[0] == "byte-level BPE":
        assert after.decode(new.ids, skip_special_tokens=False) == text


_OPENED: dict[str, tuple[Any, Any]] = {}


def _tokenizers(trimmed: Trimmed) -> tuple[Any, Any]:
    if trimmed[0] not in _OPENED:
        opened = (AutoTokenizer.from_pretrained(folder).backend_tokenizer for folder in trimmed[1:])
        _OPENED[trimmed[0]] = tuple(opened)  # type: ignore[assignment]  # two of them
    return _OPENED[trimmed[0]]


def test_a_classifier_with_pieces_answers_as_its_parent(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tokenizer = unigram()
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, pad_token_id=tokenizer.pad_token_id, initializer_range=0.5,
    )  # fmt: skip
    config.num_labels = 3
    model = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]  # untyped there
    card = ModelCard(format="transformers", labels=LABELS, max_length=32, architecture=type(model).__name__)
    save_transformers_model(tmp_path / "parent", model, tokenizer, card)
    texts = ["the card was lost", "pay the money back"]
    before, after = trim_vocabulary(tmp_path / "parent", uses_of_texts(texts), tmp_path / "out")
    assert after < before
    wanted, found = (open_classifier(tmp_path / name, "torch").probabilities(texts) for name in ("parent", "out"))
    assert found == pytest.approx(wanted, abs=1e-6)
    assert open_classifier(tmp_path / "out").labels == LABELS


def test_a_vocabulary_of_whole_words_keeps_the_words_in_use(tmp_path: Path, body: Path) -> None:
    parent = write_classifier(tmp_path, body) / "model"
    before, after = trim_vocabulary(parent, uses_of_texts(["lost card help"]), tmp_path / "out")
    kept = set(AutoTokenizer.from_pretrained(tmp_path / "out").get_vocab()) & set(WORDS)
    assert kept == {"lost", "help"}
    assert before - after == len(WORDS) - 2


@pytest.mark.parametrize("model", [{"type": "BPE", "vocab": {}, "end_of_word_suffix": "</w>"}, {"type": "Unknown"}])
def test_another_kind_of_tokenizer_is_refused(model: dict[str, Any]) -> None:
    with pytest.raises(UserError) as refused:
        kept_ids({"model": model, "added_tokens": []}, {1}, Path("model"))
    assert refused.value.code == "compress.trim_tokenizer"
