from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_language_models import write_language_model
from transformers import AutoModel, AutoTokenizer

from core.engines.retrieval.encoder import SentenceEncoder
from core.errors import UserError

TEXTS = ["lost my card", "rate", "money back now please"]


def by_hand(folder: Path, text: str, pooling: str = "mean") -> np.ndarray:
    """One text alone, without padding: mean or first of the last layer, at unit length."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    ids = torch.tensor([tokenizer(text, padding=False)["input_ids"]])
    with torch.inference_mode():
        states = model(input_ids=ids).last_hidden_state[0]
    pooled = (states.mean(dim=0) if pooling == "mean" else states[0]).numpy()
    return np.asarray(pooled / np.linalg.norm(pooled))


def copied(body: Path, target: Path, pooling: dict[str, bool]) -> Path:
    shutil.copytree(body, target)
    (target / "1_Pooling").mkdir()
    (target / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    return target


def test_vectors_are_means_of_the_unpadded_tokens_at_unit_length(body: Path) -> None:
    vectors = SentenceEncoder(body).embed(TEXTS)
    assert vectors.dtype == np.float32
    for vector, text in zip(vectors, TEXTS, strict=True):
        assert vector == pytest.approx(by_hand(body, text), abs=1e-5)


def test_a_folder_that_says_so_takes_the_first_token(body: Path, tmp_path: Path) -> None:
    folder = copied(body, tmp_path / "cls", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    assert SentenceEncoder(folder).embed(TEXTS[:1])[0] == pytest.approx(by_hand(folder, TEXTS[0], "cls"), abs=1e-5)


def test_another_pooling_is_refused(body: Path, tmp_path: Path) -> None:
    folder = copied(body, tmp_path / "max", {"pooling_mode_max_tokens": True})
    with pytest.raises(UserError) as caught:
        SentenceEncoder(folder)
    assert caught.value.code == "retrieval.encoder_pooling"


def test_texts_that_are_cut_are_counted(body: Path, tmp_path: Path) -> None:
    folder = tmp_path / "short"
    shutil.copytree(body, folder)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 4}', encoding="utf-8")
    encoder = SentenceEncoder(folder)
    assert encoder.longest_tokens == 4
    assert encoder.lengths(TEXTS) == ([4, 3, 4], 2)


def test_a_language_model_is_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        SentenceEncoder(write_language_model(tmp_path))
    assert caught.value.code == "retrieval.encoder_writes"
