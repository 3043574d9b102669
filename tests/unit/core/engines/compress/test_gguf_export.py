"""GGUF: read again, the file is the same model and splits texts alike; what it cannot say is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGUFReader, TokenType
from gguf_models import TEMPLATE, TEXTS, Family, Splitting, tokenizer_of, write_gguf_ready

from core.engines.compress import export_checks, gguf_export
from core.engines.compress.export import export
from core.engines.compress.gguf_export import Precision, paired_rows
from core.engines.compress.gguf_tokenizer import gguf_tokenizer
from core.engines.language.opening import open_language_model
from core.errors import UserError

FAMILIES: tuple[tuple[Family, bool], ...] = (("llama", True), ("mistral", False), ("qwen2", True), ("qwen3", False))
PRECISIONS: tuple[Precision, ...] = ("f16", "f32")
SPLITTINGS: tuple[Splitting, ...] = ("gpt-2", "smollm", "llama-bpe", "qwen2", "sentencepiece")


def fields_of(file: Path) -> dict[str, Any]:
    return {name: field.contents() for name, field in GGUFReader(str(file)).fields.items()}


def logits_of(source: Path, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = open_language_model(source).model(input_ids=torch.tensor([ids])).logits
    return found


@pytest.mark.parametrize(("family", "tied"), FAMILIES)
def test_in_single_precision_the_file_has_the_weights_to_the_last_bit(
    tmp_path: Path, family: Family, tied: bool
) -> None:
    folder = write_gguf_ready(tmp_path / "hub", family, tied=tied)
    files = export(folder, "gguf", tmp_path / "out", TEXTS, "f32")
    assert [path.name for path in files] == ["model.gguf"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model.gguf"]
    ids = list(range(5, 45))
    first, second = (open_language_model(source).model.state_dict() for source in (folder, files[0]))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.allclose(logits_of(files[0], ids), logits_of(folder, ids), atol=1e-4)
    # Qwen 2 has biases, whose random values would show.
    named = {tensor.name for tensor in GGUFReader(str(files[0])).tensors}
    assert ("output.weight" in named) is not tied
    assert ("blk.1.attn_q.bias" in named) is (family == "qwen2")
    assert ("blk.1.attn_q_norm.weight" in named) is (family == "qwen3")


def test_in_half_precision_matrices_take_half_the_room_and_vectors_stay(tmp_path: Path) -> None:
    folder = write_gguf_ready(tmp_path / "hub")
    half, whole = (export(folder, "gguf", tmp_path / name, TEXTS, name)[0] for name in PRECISIONS)
    assert half.stat().st_size < 0.65 * whole.stat().st_size
    types = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(str(half)).tensors}
    assert types["blk.0.attn_q.weight"] == types["token_embd.weight"] == "F16"
    assert types["blk.0.attn_norm.weight"] == types["output_norm.weight"] == "F32"
    assert fields_of(half)["general.file_type"] == 1
    assert fields_of(whole)["general.file_type"] == 0


def test_a_weight_too_large_for_half_precision_stays_in_single(tmp_path: Path) -> None:
    folder = write_gguf_ready(tmp_path / "hub")
    opened = open_language_model(folder)
    with torch.no_grad():
        opened.model.model.layers[0].mlp.down_proj.weight[0, 0] = 1e5
    gguf_export.export_gguf(opened, tmp_path / "model.gguf", "f16")
    types = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(str(tmp_path / "model.gguf")).tensors}
    assert types["blk.0.ffn_down.weight"] == "F32"
    assert types["blk.1.ffn_down.weight"] == "F16"


@pytest.mark.parametrize("splitting", SPLITTINGS)
def test_texts_are_split_into_the_same_tokens(tmp_path: Path, splitting: Splitting) -> None:
    folder = write_gguf_ready(tmp_path / "hub", splitting=splitting)
    file = export(folder, "gguf", tmp_path / "out", TEXTS, "f32")[0]
    again = open_language_model(file).tokenizer
    own = tokenizer_of(splitting)
    for text in (*TEXTS, "It's <think> 7 €"):
        assert again(text, add_special_tokens=False)["input_ids"] == own(text, add_special_tokens=False)["input_ids"]


def test_metadata_says_what_the_model_and_its_tokenizer_are(tmp_path: Path) -> None:
    folder = write_gguf_ready(tmp_path / "hub", splitting="smollm", padded=3)
    fields = fields_of(export(folder, "gguf", tmp_path / "out", TEXTS, "f32")[0])
    own = tokenizer_of("smollm")
    assert fields["general.architecture"] == "llama"
    assert fields["llama.rope.freq_base"] == 5000.0
    assert fields["llama.attention.head_count_kv"] == 2
    assert fields["llama.rope.dimension_count"] == fields["llama.attention.key_length"] == 16
    assert fields["tokenizer.ggml.model"] == "gpt2"
    assert fields["tokenizer.ggml.pre"] == "smollm"
    assert fields["tokenizer.ggml.eos_token_id"] == own.eos_token_id
    assert fields["tokenizer.ggml.add_bos_token"] is False
    assert fields["tokenizer.chat_template"] == TEMPLATE
    types = dict(zip(fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"], strict=True))
    assert len(types) == fields["llama.vocab_size"] == len(own) + 3
    assert types["<|endoftext|>"] == TokenType.CONTROL
    assert types["<think>"] == TokenType.USER_DEFINED
    assert types["a"] == TokenType.NORMAL
    assert types[f"[PAD{len(own)}]"] == TokenType.UNUSED


def test_sentencepiece_scores_rank_pieces_by_their_merges(tmp_path: Path) -> None:
    tokenizer = tokenizer_of("sentencepiece")
    found = gguf_tokenizer(tmp_path, tokenizer, len(tokenizer))
    assert found.scores is not None
    by_token = dict(zip(found.tokens, found.scores, strict=True))
    first, second = (merge.replace(" ", "") for merge in found.merges[:2])
    assert by_token[first] == 0.0 > by_token[second] == -1.0
    assert min(found.scores) == by_token["<0x41>"] == -float(len(found.merges))
    types = dict(zip(found.tokens, found.types, strict=True))
    assert types["<0x41>"] == TokenType.BYTE
    assert types["<unk>"] == TokenType.UNKNOWN
    assert (found.adds_beginning, found.adds_end, found.adds_space) == (True, False, True)


def test_rows_of_a_head_stand_in_rotated_pairs() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert paired_rows(rows, heads=2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_unpaired_rows_are_found_out_and_leave_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf_export, "paired_rows", lambda weights, heads: weights)
    folder = write_gguf_ready(tmp_path / "hub")
    for precision, code in zip(PRECISIONS, ("export.choices_differ", "export.weights_differ"), strict=True):
        with pytest.raises(UserError) as refused:
            export(folder, "gguf", tmp_path / "out", TEXTS, precision)
        assert refused.value.code == code
        assert list((tmp_path / "out").iterdir()) == []


def test_other_tokens_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_gguf_ready(tmp_path / "hub", splitting="llama-bpe")
    monkeypatch.setattr("core.engines.compress.gguf_tokenizer._byte_level_splitting", lambda document: "gpt-2")
    with pytest.raises(UserError) as refused:
        export(folder, "gguf", tmp_path / "out", ["(card"], "f32")
    assert refused.value.code == "export.tokens_differ"


@pytest.mark.parametrize(
    ("family", "config", "feature"),
    [
        ("llama", {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "rope_type linear"),
        ("llama", {"hidden_act": "gelu"}, "hidden_act gelu"),
        ("llama", {"attention_bias": True}, "q_proj.bias"),
        ("mistral", {"sliding_window": 32}, "sliding_window 32"),
        ("qwen3", {"head_dim": 32}, "head_dim 32"),
    ],
)
def test_what_the_file_cannot_say_is_refused_by_name(
    tmp_path: Path, family: Family, config: dict[str, Any], feature: str
) -> None:
    folder = write_gguf_ready(tmp_path / "hub", family, **config)
    with pytest.raises(UserError) as refused:
        export(folder, "gguf", tmp_path / "out", TEXTS)
    assert refused.value.code == "export.gguf_feature"
    assert feature in str(refused.value.values["feature"])
    assert list((tmp_path / "out").iterdir()) == []


def test_other_architectures_are_refused_with_the_ones_that_are_known(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = write_gguf_ready(tmp_path / "hub")
    GPT2LMHeadModel(
        GPT2Config(vocab_size=330, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=0)
    ).save_pretrained(folder)
    with pytest.raises(UserError) as refused:
        export(folder, "gguf", tmp_path / "out", TEXTS)
    assert refused.value.code == "export.gguf_architecture"
    assert "Qwen3" in refused.value.text


def test_a_tokenizer_without_a_word_in_gguf_is_refused(tmp_path: Path) -> None:
    from tiny_language_models import write_language_model

    folder = write_language_model(tmp_path / "hub")
    with pytest.raises(UserError) as refused:
        export(folder, "gguf", tmp_path / "out", TEXTS)
    assert refused.value.code == "export.gguf_tokenizer"


def test_more_tokens_than_rows_are_refused(tmp_path: Path) -> None:
    tokenizer = tokenizer_of("gpt-2")
    with pytest.raises(UserError) as refused:
        gguf_tokenizer(tmp_path, tokenizer, len(tokenizer) - 1)
    assert refused.value.code == "export.gguf_vocabulary"


def test_a_classifier_is_refused(tmp_path: Path, teacher: Path) -> None:
    with pytest.raises(UserError) as refused:
        export(teacher / "model", "gguf", tmp_path / "out")
    assert refused.value.code == "export.gguf_classifier"
    assert not (tmp_path / "out").exists()


def test_weights_packed_for_a_gpu_are_refused(tmp_path: Path) -> None:
    folder = write_gguf_ready(tmp_path / "hub")
    config = folder / "config.json"
    config.write_text(config.read_text().replace("{", '{"quantization_config": {},', 1))
    with pytest.raises(UserError) as refused:
        export(folder, "gguf", tmp_path / "out", TEXTS)
    assert refused.value.code == "export.quantised"


def test_without_texts_random_words_of_the_vocabulary_are_checked(tmp_path: Path) -> None:
    folder = write_gguf_ready(tmp_path / "hub", splitting="qwen2", family="qwen2")
    assert export(folder, "gguf", tmp_path / "out")[0].is_file()


def test_a_language_model_is_exported_to_safetensors_to_the_last_bit(tmp_path: Path) -> None:
    folder = write_gguf_ready(tmp_path / "hub")
    export(folder, "safetensors", tmp_path / "out", TEXTS)
    ids = list(range(5, 25))
    assert torch.equal(logits_of(folder, ids), logits_of(tmp_path / "out", ids))


def test_a_language_model_in_onnx_answers_batches_of_any_length_alike(tmp_path: Path) -> None:
    from core.engines.models.onnx_classifier import open_session

    folder = write_gguf_ready(tmp_path / "hub", "qwen3", num_hidden_layers=1)
    export(folder, "onnx", tmp_path / "out", TEXTS)
    session = open_session(tmp_path / "out" / "model.onnx")
    for lengths in ((7,), (3, 9, 1)):
        ids = np.zeros((len(lengths), max(lengths)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, length in enumerate(lengths):
            ids[row, :length], mask[row, :length] = range(10, 10 + length), 1
        found = session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]
        for row, length in enumerate(lengths):
            wanted = logits_of(folder, ids[row, :length].tolist())[0].numpy()
            assert found[row, :length] == pytest.approx(wanted, abs=1e-3)


def test_an_onnx_file_that_chooses_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_checks, "MINIMUM_AGREEMENT", 1.01)
    folder = write_gguf_ready(tmp_path / "hub")
    with pytest.raises(UserError) as refused:
        export_checks.check_gguf(open_language_model(folder), _written(folder, tmp_path), "f16", TEXTS)
    assert refused.value.code == "export.choices_differ"


def _written(folder: Path, place: Path) -> Path:
    gguf_export.export_gguf(open_language_model(folder), place / "model.gguf", "f16")
    return place / "model.gguf"
