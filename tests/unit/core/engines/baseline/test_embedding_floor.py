"""The floor on averaged token embeddings: what it knows of words that no train row has, and which floor is kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from floor import COMMON, LABELS, SPARE, rows, trained, word_vectors
from job_context import job_context
from safetensors.numpy import save_file

from core.data.examples import write_examples
from core.domain import Example, Split
from core.engines.baseline import distil
from core.engines.baseline import model as baseline
from core.engines.baseline.embedding_source import read_embeddings
from core.engines.baseline.embeddings import MAX_DIMENSIONS, fit_embeddings
from core.engines.models import open_classifier, read_card
from core.errors import UserError
from core.jobs.specs import DistillParameters
from core.spec import BaselineModel, Train
from core.worker.context import Stopped

UNSEEN = [(f"please help me with {word}", label) for label, word in SPARE.items()]


def right(model: baseline.BaselineClassifier, texts: Sequence[tuple[str, str]]) -> float:
    best = model.probabilities([text for text, _ in texts]).argmax(axis=1)
    return float(np.mean([model.labels[place] == label for place, (_, label) in zip(best, texts, strict=True)]))


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return word_vectors(tmp_path_factory.mktemp("vectors"))


def test_words_of_no_train_row_are_understood_by_their_embeddings(tmp_path: Path, vectors: Path) -> None:
    model, result, _ = trained(tmp_path, rows(120, 0.0), kind="embedding_linear", embeddings=vectors)
    assert right(model, UNSEEN) == 1.0
    assert result.details["features"] == "embeddings"
    assert result.details["dimensions"] == 16
    assert result.details["pooling"] in ("mean", "smooth_inverse_frequency")


def test_probabilities_are_a_distribution_for_any_text(tmp_path: Path, vectors: Path) -> None:
    model, _, _ = trained(tmp_path, rows(60, 0.0), kind="best", embeddings=vectors)
    probabilities = model.probabilities(["my card was stolen", "", "   ", "никогда", "x" * 5000])
    assert probabilities.shape == (5, 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(5))


def test_the_best_floor_says_which_and_by_how_much(tmp_path: Path, vectors: Path) -> None:
    """Half of the classes' words are in few rows: terms know them from there, embeddings from their neighbours."""
    _, result, context = trained(tmp_path, rows(90, 0.3), kind="best", embeddings=vectors)
    figures = {name: result.details[f"out_of_fold_accuracy_{name}"] for name in ("tfidf", "embeddings", "both")}
    chosen = result.details["features"]
    assert figures[str(chosen)] == max(float(value or 0.0) for value in figures.values())
    assert result.details["gain_over_tfidf"] == pytest.approx(
        float(figures[str(chosen)] or 0.0) - float(figures["tfidf"] or 0.0)
    )
    assert any("averaged token embeddings" in line for line in context.logs)


def test_embeddings_of_noise_leave_the_terms(tmp_path: Path, vectors: Path) -> None:
    tokenizer, table = read_embeddings(vectors / "model")
    noise = tmp_path / "noise" / "model"
    noise.mkdir(parents=True)
    tokenizer.save(str(noise / "tokenizer.json"))
    save_file(
        {"wte.weight": np.zeros_like(table) + np.eye(len(table), 16, -3, dtype=np.float32)}, noise / "a.safetensors"
    )
    (noise / "config.json").write_text("{}")
    _, result, _ = trained(tmp_path / "job", rows(90, 0.0), kind="best", embeddings=noise.parent)
    assert result.details["features"] == "tfidf"
    assert result.details["gain_over_tfidf"] == 0.0


def test_joined_decisions_are_the_same_after_a_reload(tmp_path: Path, vectors: Path) -> None:
    model, result, _ = trained(tmp_path, rows(90, 0.3), kind="best", embeddings=vectors)
    texts = [row.input for row in rows(30, 0.0, seed=4)]
    again = open_classifier(tmp_path / "job" / "model")
    assert np.array_equal(model.probabilities(texts), again.probabilities(texts))
    assert again.parameters == result.parameters


def test_batches_and_single_texts_are_answered_alike(tmp_path: Path, vectors: Path) -> None:
    model, _, _ = trained(tmp_path, rows(90, 0.3), kind="embedding_linear", embeddings=vectors)
    texts = [row.input for row in rows(20, 0.0, seed=4)]
    single = np.concatenate([model.probabilities([text]) for text in texts])
    assert model.probabilities(texts) == pytest.approx(single, abs=1e-6)


def test_the_same_rows_give_the_same_weights(tmp_path: Path, vectors: Path) -> None:
    for name in ("a", "b"):
        trained(tmp_path / name, rows(90, 0.3), kind="best", embeddings=vectors)
    first, again = (np.load(tmp_path / name / "job" / "model" / "weights.npz") for name in ("a", "b"))
    assert all(np.array_equal(first[name], again[name]) for name in first.files)


def test_wide_tables_are_turned_onto_their_principal_directions(vectors: Path) -> None:
    tokenizer, _ = read_embeddings(vectors / "model")
    wide = np.random.default_rng(3).standard_normal((tokenizer.get_vocab_size(), 400)).astype(np.float32)
    texts = [row.input for row in rows(60, 0.0)]
    narrow = fit_embeddings(tokenizer, wide, texts, "mean")
    assert narrow.columns == MAX_DIMENSIONS
    centred = wide - wide.mean(axis=0)
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    whole = np.stack([centred[row].sum(axis=0) for row in ids])
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    # There are fewer words than directions, so that distances stay.
    assert narrow.transform(texts) @ narrow.transform(texts).T == pytest.approx(whole @ whole.T, abs=2e-3)


def test_frequent_words_weigh_less_by_smooth_inverse_frequency(vectors: Path) -> None:
    tokenizer, table = read_embeddings(vectors / "model")
    texts = ["please help me", "please lost", "please"]
    weights = fit_embeddings(tokenizer, table, texts, "smooth_inverse_frequency").weights
    please, lost, spare = (tokenizer.token_to_id(word) for word in ("please", "lost", "swiped"))
    assert weights[please] == pytest.approx(0.03 / (0.03 + 3 / 6))
    assert weights[please] < weights[lost] < weights[spare] == 1.0


def test_weights_count_all_that_is_needed_to_answer(tmp_path: Path, vectors: Path) -> None:
    trained(tmp_path, rows(60, 0.0), kind="embedding_linear", embeddings=vectors)
    folder = tmp_path / "job" / "model"
    counted = [folder / name for name in ("weights.npz", "vocabulary.json", "tokenizer.json")]
    assert baseline.load(folder).weight_bytes == sum(path.stat().st_size for path in counted)
    assert {path.name for path in folder.iterdir()} == {path.name for path in counted} | {"tercet.json"}
    assert read_card(folder).format == "embedding_linear"


def test_it_answers_without_torch(tmp_path: Path, vectors: Path) -> None:
    trained(tmp_path, rows(60, 0.0), kind="best", embeddings=vectors)
    program = (
        "import sys; from pathlib import Path; from core.engines.models import open_classifier;"
        f"open_classifier(Path({str(tmp_path / 'job' / 'model')!r})).probabilities(['lost card']);"
        "sys.exit(sum(name in sys.modules for name in ('torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("damage", ["remove", "truncate", "other"])
def test_a_damaged_tokenizer_is_refused_in_a_sentence(tmp_path: Path, vectors: Path, damage: str) -> None:
    trained(tmp_path, rows(60, 0.0), kind="embedding_linear", embeddings=vectors)
    tokenizer = tmp_path / "job" / "model" / "tokenizer.json"
    if damage == "remove":
        tokenizer.unlink()
    else:
        tokenizer.write_text(tokenizer.read_text()[:100] if damage == "truncate" else "[]")
    with pytest.raises(UserError) as refused:
        baseline.load(tokenizer.parent)
    assert refused.value.code == "baseline.folder_broken"


def test_without_a_teacher_the_embeddings_are_asked_for_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        trained(tmp_path, rows(60, 0.0), kind="embedding_linear")
    assert refused.value.code == "baseline.no_embeddings"
    assert "tfidf_linear" in refused.value.text


def test_without_a_teacher_the_best_floor_is_the_one_on_terms(tmp_path: Path) -> None:
    _, result, context = trained(tmp_path, rows(60, 0.0), kind="best")
    assert result.details["features"] == "tfidf"
    assert any("words and letters" in line for line in context.logs)


def test_a_floor_has_no_embeddings_to_give(tmp_path: Path) -> None:
    trained(tmp_path / "other", rows(60, 0.0))
    with pytest.raises(UserError) as refused:
        trained(tmp_path / "own", rows(60, 0.0), kind="embedding_linear", embeddings=tmp_path / "other" / "job")
    assert refused.value.code == "baseline.no_embeddings_there"


def test_texts_without_a_known_token_are_refused(tmp_path: Path, vectors: Path) -> None:
    empty = [Example(f"e{i}", Split.TRAIN, f"g{i}", " ", LABELS[i % 3]) for i in range(12)]
    with pytest.raises(UserError) as refused:
        trained(tmp_path, empty, kind="embedding_linear", embeddings=vectors)
    assert refused.value.code == "baseline.no_text"


def test_a_class_that_occurs_once_is_one_of_the_answers(tmp_path: Path, vectors: Path) -> None:
    rare = Example("rare", Split.TRAIN, "rare", " ".join(["reimburse"] * 3), "closing")
    model, _, _ = trained(tmp_path, [*rows(60, 0.0), rare], kind="embedding_linear", embeddings=vectors)
    assert model.labels[int(model.probabilities(["reimburse"]).argmax())] == "closing"
    assert right(model, [(f"{COMMON[0]} lost", "card"), (f"{COMMON[1]} rate", "loan")]) == 1.0


def test_it_stops_when_told_and_leaves_no_model(tmp_path: Path, vectors: Path) -> None:
    with pytest.raises(Stopped):
        trained(tmp_path, rows(60, 0.0), stop=True, kind="embedding_linear", embeddings=vectors)
    assert not (tmp_path / "job" / "model").exists()


def taught(
    folder: Path,
    teacher: Path,
    embeddings: Path,
    kind: Literal["embedding_linear", "best"] = "best",
    alpha: float = 1.0,
) -> dict[str, object]:
    """The details of an embedding floor that learns from `teacher`, the folder of a job."""
    data = folder / "data"
    data.mkdir(parents=True)
    write_examples(data, rows(300, 0.6))
    parameters = DistillParameters(
        model=BaselineModel(source="baseline", kind=kind), train=Train(method="distill", alpha=alpha)
    )
    context = job_context(folder / "job", parameters, {"data": data, "teacher": teacher, "embeddings": embeddings})
    return dict(distil.run(parameters, context).details)


def test_embeddings_learn_what_a_good_teacher_says_of_noisy_targets(tmp_path: Path, vectors: Path) -> None:
    trained(tmp_path / "teacher", rows(300, 0.0, seed=3))
    details = taught(tmp_path / "taught", tmp_path / "teacher" / "job", vectors)
    assert details["learnt_from"] == "teacher"
    model = baseline.load(tmp_path / "taught" / "job" / "model")
    assert right(model, [(row.input, row.target) for row in rows(300, 0.0, seed=5)]) > 0.9


def test_alpha_0_teaches_embeddings_the_targets_alone(tmp_path: Path, vectors: Path) -> None:
    trained(tmp_path / "teacher", rows(300, 0.0, seed=3))
    details = taught(tmp_path / "taught", tmp_path / "teacher" / "job", vectors, "embedding_linear", alpha=0.0)
    assert details["learnt_from"] == "targets"
