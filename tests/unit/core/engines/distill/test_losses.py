"""The traps of distillation losses, each of which has bitten a public project."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.engines.distill.losses import hard_label_loss, soft_label_loss


def random_logits(*shape: int, seed: int = 0) -> torch.Tensor:
    return 3.0 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_identical_models_have_no_divergence(temperature: float) -> None:
    logits = random_logits(6, 5)
    loss = soft_label_loss(logits, logits, torch.zeros(6, dtype=torch.int64), temperature, alpha=1.0)
    assert abs(float(loss)) < 1e-6


def test_log_probabilities_of_the_teacher_serve_as_its_logits() -> None:
    student, teacher = random_logits(6, 5), random_logits(6, 5, seed=1)
    labels = torch.arange(6) % 5
    by_logits = soft_label_loss(student, teacher, labels, 2.0, 0.9)
    by_log_probabilities = soft_label_loss(student, teacher.log_softmax(-1), labels, 2.0, 0.9)
    assert float(by_logits) == pytest.approx(float(by_log_probabilities), abs=1e-5)


def test_divergence_runs_from_teacher_to_student_and_is_averaged_over_rows() -> None:
    student, teacher = random_logits(4, 3), random_logits(4, 3, seed=1)
    p, q = (teacher / 2.0).softmax(-1), (student / 2.0).softmax(-1)
    expected = 4.0 * (p * (p / q).log()).sum() / 4
    loss = soft_label_loss(student, teacher, torch.zeros(4, dtype=torch.int64), 2.0, 1.0)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_alpha_mixes_soft_and_hard_labels() -> None:
    student, teacher, labels = random_logits(4, 3), random_logits(4, 3, seed=1), torch.tensor([0, 1, 2, 0])
    soft = soft_label_loss(student, teacher, labels, 2.0, 1.0)
    hard = soft_label_loss(student, teacher, labels, 2.0, 0.0)
    assert float(hard) == pytest.approx(float(functional.cross_entropy(student, labels)), rel=1e-6)
    mixed = soft_label_loss(student, teacher, labels, 2.0, 0.3)
    assert float(mixed) == pytest.approx(0.3 * float(soft) + 0.7 * float(hard), rel=1e-6)


def test_squared_temperature_keeps_the_size_of_the_gradient() -> None:
    # In the limit of small logits the gradient is (student − teacher) / classes for every T (Hinton et al. 2015).
    norms = []
    for temperature in (1.0, 2.0, 4.0):
        student = (0.05 * random_logits(16, 10)).requires_grad_()
        teacher = 0.05 * random_logits(16, 10, seed=1)
        soft_label_loss(student, teacher, torch.zeros(16, dtype=torch.int64), temperature, 1.0).backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        norms.append(float(student.grad.norm()))
    assert max(norms) / min(norms) < 1.1


def test_masked_positions_change_neither_loss_nor_gradient() -> None:
    student, teacher = random_logits(2, 3, 7), random_logits(2, 3, 7, seed=1)
    labels = torch.tensor([[1, 2, 3], [4, 5, 6]])

    def loss_and_gradient(width: int, filler: float) -> tuple[float, torch.Tensor]:
        padding = torch.full((2, width, 7), filler)
        leaf = torch.cat([student, padding], dim=1).requires_grad_()
        real = torch.zeros(2, 3 + width, dtype=torch.bool)
        real[:, :3] = True
        padded_labels = functional.pad(labels, (0, width))
        loss = soft_label_loss(leaf, torch.cat([teacher, padding], dim=1), padded_labels, 2.0, 0.5, real)
        loss.backward()  # type: ignore[no-untyped-call]
        assert leaf.grad is not None
        return float(loss.detach()), leaf.grad[:, :3]

    plain, plain_gradient = loss_and_gradient(0, 0.0)
    padded, padded_gradient = loss_and_gradient(50, 9.0)
    assert padded == pytest.approx(plain, rel=1e-6)
    assert torch.allclose(padded_gradient, plain_gradient, atol=1e-7)


def test_loss_per_position_does_not_depend_on_how_the_batch_is_split() -> None:
    student, teacher, labels = random_logits(10, 4), random_logits(10, 4, seed=1), torch.arange(10) % 4
    whole = float(soft_label_loss(student, teacher, labels, 2.0, 0.9))
    first = float(soft_label_loss(student[:3], teacher[:3], labels[:3], 2.0, 0.9))
    rest = float(soft_label_loss(student[3:], teacher[3:], labels[3:], 2.0, 0.9))
    assert (3 * first + 7 * rest) / 10 == pytest.approx(whole, rel=1e-6)


def test_no_gradient_reaches_the_teacher() -> None:
    student, teacher = random_logits(4, 3).requires_grad_(), random_logits(4, 3, seed=1).requires_grad_()
    soft_label_loss(student, teacher, torch.zeros(4, dtype=torch.int64), 2.0, 0.9).backward()  # type: ignore[no-untyped-call]
    assert teacher.grad is None
    assert student.grad is not None


def test_models_with_different_classes_are_not_compared() -> None:
    with pytest.raises(ValueError, match="differ"):
        soft_label_loss(random_logits(4, 3), random_logits(4, 5), torch.zeros(4, dtype=torch.int64), 2.0, 0.9)


def test_hard_labels_are_averaged_over_real_rows_only() -> None:
    logits, labels = random_logits(4, 3), torch.tensor([0, 1, 2, 0])
    real = torch.tensor([True, False, True, False])
    expected = functional.cross_entropy(logits[real], labels[real])
    assert float(hard_label_loss(logits, labels, real)) == pytest.approx(float(expected), rel=1e-6)
