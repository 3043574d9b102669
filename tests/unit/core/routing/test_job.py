from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_context import RecordingContext, job_context

from core.data.examples import write_examples
from core.data.predictions import write_predictions
from core.domain import Example, PolicyKind, Prediction, Split
from core.errors import UserError
from core.i18n import english
from core.jobs.results import RouteResult
from core.jobs.specs import RouteParameters
from core.routing.job import run
from core.routing.rows import folds_to_use, usable_rows
from core.spec import Task
from core.worker.context import Stopped

Row = tuple[Example, Prediction, Prediction]
TASK = Task(kind="classification", metric="accuracy")


def _rows(test: int, calibration: int = 0, train: int = 0, seed: int = 0) -> list[Row]:
    """Rows whose word "prove" the student fails and the teacher solves; its confidence is lower there."""
    generator = np.random.default_rng(seed)
    splits = [Split.TEST] * test + [Split.CALIBRATION] * calibration + [Split.TRAIN] * train
    rows = []
    for number, split in enumerate(splits):
        hard = bool(generator.random() < 0.4)
        text = f"please {'prove' if hard else 'name'} this " + "word " * int(generator.integers(1, 5))
        example = Example(f"e{number}", split, f"g{number}", text, "a")
        student = float(generator.random() < (0.3 if hard else 0.95))
        confidence = float(np.clip(generator.normal(0.6 if hard else 0.9, 0.1), 0.01, 0.99))
        rows.append((example, Prediction(example.example_id, "a", float(generator.random() < 0.95)),
                     Prediction(example.example_id, "a", student, confidence)))  # fmt: skip
    return rows


def _parameters(folds: int | None = None, *, train_rows_usable: bool = False) -> RouteParameters:
    policies = (PolicyKind.CASCADE, PolicyKind.ROUTER)
    return RouteParameters(task=TASK, policies=policies, folds=folds, train_rows_usable=train_rows_usable)


def _context(
    tmp_path: Path,
    rows: Sequence[Row],
    parameters: RouteParameters,
    stop_when: Callable[[RecordingContext], bool] = lambda context: False,
) -> RecordingContext:
    folders = {name: tmp_path / name for name in ("data", "teacher", "student")}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    write_examples(folders["data"], [row[0] for row in rows])
    write_predictions(folders["teacher"], [row[1] for row in rows])
    write_predictions(folders["student"], [row[2] for row in rows])
    return job_context(tmp_path / "route", parameters, folders, stop_when)


def _route(tmp_path: Path, rows: Sequence[Row], parameters: RouteParameters) -> RouteResult:
    return run(parameters, _context(tmp_path, rows, parameters))


def _priorities(result: RouteResult) -> dict[PolicyKind, dict[str, float]]:
    return {policy.kind: dict(zip(result.example_ids, policy.priority, strict=True)) for policy in result.policies}


def test_test_rows_are_scored_in_order_by_both_policies(tmp_path: Path) -> None:
    rows = _rows(120, 30)
    result = _route(tmp_path, rows, _parameters())
    assert result.folds == 5
    assert result.example_ids == tuple(f"e{number}" for number in range(120))
    assert result.tuning_example_ids == ()
    assert result.length_priority == tuple(float(len(row[0].input)) for row in rows[:120])
    assert [policy.kind for policy in result.policies] == [PolicyKind.CASCADE, PolicyKind.ROUTER]
    hard = np.array(["prove" in row[0].input for row in rows[:120]])
    for policy in result.policies:
        assert set(policy.fold) == set(range(5))
        assert policy.fitted_rows == 150 - 24
        assert policy.score_seconds > 0
        priority = np.array(policy.priority)
        assert priority[hard].mean() > priority[~hard].mean() + 0.2
    assert RouteResult.model_validate_json(result.model_dump_json()) == result


def test_answers_of_a_fold_never_change_its_own_priorities(tmp_path: Path) -> None:
    rows = _rows(100)
    first = _route(tmp_path, rows, _parameters())
    fold = dict(zip(first.example_ids, first.policies[0].fold, strict=True))
    flipped = [
        (example, teacher, replace(student, score=1 - student.score) if fold[example.example_id] == 2 else student)
        for example, teacher, student in rows
    ]
    second = _route(tmp_path, flipped, _parameters())
    for kind, before in _priorities(first).items():
        after = _priorities(second)[kind]
        assert all(before[name] == after[name] for name in before if fold[name] == 2)
        assert any(before[name] != after[name] for name in before if fold[name] != 2)


def test_scores_on_noise_show_no_skill_where_a_leak_would(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    rows: list[Row] = []
    for number in range(200):
        words = " ".join(f"w{word}" for word in generator.integers(0, 400, 12))
        example = Example(f"e{number}", Split.TEST, f"g{number}", words, "a")
        score = float(generator.random() < 0.5)
        rows.append(
            (example, Prediction(example.example_id, "a", 1.0), Prediction(example.example_id, "a", score, 0.5))
        )
    parameters = _parameters()
    result = run(parameters, _context(tmp_path, rows, parameters))
    router = result.policies[1]
    gain = np.array([1 - row[2].score for row in rows])
    assert abs(np.corrcoef(router.priority, gain)[0, 1]) < 0.25
    # The served policy did see these rows: it shows what a leak would look like.
    from core.routing.policy import RouterPolicy, policy_of

    served = policy_of(router.model)
    assert isinstance(served, RouterPolicy)
    seen = [served.priority(row[0].input) for row in rows]
    assert np.corrcoef(seen, gain)[0, 1] > 0.7


def test_rows_of_a_group_share_a_fold(tmp_path: Path) -> None:
    rows = [(replace(row[0], group=f"g{number // 4}"), *row[1:]) for number, row in enumerate(_rows(120))]
    result = _route(tmp_path, rows, _parameters())
    for policy in result.policies:
        assert (np.array(policy.fold).reshape(-1, 4) == np.array(policy.fold).reshape(-1, 4)[:, :1]).all()


def test_other_rows_that_share_a_group_with_a_test_row_are_not_fitted_on(tmp_path: Path) -> None:
    rows = _rows(60, 40)
    rows[60] = (replace(rows[60][0], group="g0"), *rows[60][1:])
    result = _route(tmp_path, rows, _parameters())
    assert result.policies[0].fitted_rows == 100 - 12 - 1


def test_without_folds_policies_are_fitted_on_calibration_rows_and_their_priorities_are_unseen(tmp_path: Path) -> None:
    rows = _rows(50, 100)
    result = _route(tmp_path, rows, _parameters(0))
    assert result.folds == 0
    assert result.tuning_example_ids == tuple(f"e{number}" for number in range(50, 150))
    for policy in result.policies:
        assert set(policy.fold) == {0}
        assert len(policy.tuning_priority) == policy.fitted_rows == 100
    changed = [*[(row[0], row[1], replace(row[2], score=1 - row[2].score)) for row in rows[:50]], *rows[50:]]
    assert _priorities(_route(tmp_path, changed, _parameters(0))) == _priorities(result)


@pytest.mark.parametrize(("usable", "fitted"), [(False, 30 + 80), (True, 30 + 80 + 40)])
def test_train_rows_are_fitted_on_only_where_nothing_was_trained(tmp_path: Path, usable: bool, fitted: int) -> None:
    result = _route(tmp_path, _rows(100, 30, 40), _parameters(train_rows_usable=usable))
    assert result.policies[0].fitted_rows == fitted


def test_rows_that_one_model_did_not_answer_are_left_out(tmp_path: Path) -> None:
    rows = _rows(80)
    parameters = _parameters()
    context = _context(tmp_path, rows, parameters)
    write_predictions(tmp_path / "teacher", [row[1] for row in rows[10:]])
    assert run(parameters, context).example_ids == tuple(f"e{number}" for number in range(10, 80))


def test_models_without_a_common_test_row_are_refused(tmp_path: Path) -> None:
    parameters = _parameters()
    context = _context(tmp_path, _rows(30), parameters)
    write_predictions(tmp_path / "teacher", [Prediction("other", "a", 1.0)])
    with pytest.raises(UserError) as refusal:
        run(parameters, context)
    assert refusal.value.code == "routing.no_shared_rows"


@pytest.mark.parametrize(
    ("change", "folds", "calibration", "omitted"),
    [
        ("no confidence", None, 0, {"cascade": "no_confidence"}),
        ("no input", None, 0, {"router": "no_input_text"}),
        ("none", 0, 0, {"cascade": "no_fitting_rows", "router": "no_fitting_rows"}),
        ("none", 0, 15, {"cascade": "too_few_rows", "router": "too_few_rows"}),
        ("one group", None, 0, {"cascade": "too_few_rows", "router": "too_few_rows"}),
    ],
)
def test_policy_that_cannot_be_fitted_is_left_out_with_its_reason(
    tmp_path: Path, change: str, folds: int | None, calibration: int, omitted: dict[str, str]
) -> None:
    rows = _rows(60, calibration)
    if change == "no confidence":
        rows = [(row[0], row[1], replace(row[2], confidence=None)) for row in rows]
    elif change == "no input":
        rows = [(replace(row[0], input=" "), *row[1:]) for row in rows]
    elif change == "one group":
        rows = [(replace(row[0], group="all"), *row[1:]) for row in rows]
    result = _route(tmp_path, rows, _parameters(folds))
    assert result.omitted == {kind: f"routing.omitted.{code}" for kind, code in omitted.items()}
    assert {policy.kind.value for policy in result.policies} == {"cascade", "router"} - set(omitted)
    for code in result.omitted.values():
        assert english(code)


def test_single_test_group_is_scored_by_the_other_splits(tmp_path: Path) -> None:
    rows = _rows(30, 60)
    rows = [(replace(row[0], group="all"), *row[1:]) if row[0].split is Split.TEST else row for row in rows]
    result = _route(tmp_path, rows, _parameters(5))
    assert result.folds == 0
    assert len(result.tuning_example_ids) == 60


def test_unanswered_rows_without_confidence_go_to_the_teacher_first(tmp_path: Path) -> None:
    rows = _rows(80)
    rows[3] = (rows[3][0], rows[3][1], replace(rows[3][2], confidence=None, output=None, score=0.0))
    assert _priorities(_route(tmp_path, rows, _parameters()))[PolicyKind.CASCADE]["e3"] == 1.0


def test_same_rows_give_the_same_policies_and_scores(tmp_path: Path) -> None:
    first, second = (_route(tmp_path, _rows(60, 20), _parameters()) for _ in range(2))
    for one, other in zip(first.policies, second.policies, strict=True):
        assert one.model_copy(update={"score_seconds": 0.0}) == other.model_copy(update={"score_seconds": 0.0})


def test_order_of_the_rows_changes_no_priority(tmp_path: Path) -> None:
    rows = _rows(60)
    forward, backward = _route(tmp_path, rows, _parameters()), _route(tmp_path, rows[::-1], _parameters())
    for kind, priorities in _priorities(forward).items():
        other = _priorities(backward)[kind]
        assert priorities == pytest.approx({name: other[name] for name in priorities}, abs=1e-6)


@pytest.mark.parametrize("stop_at", [0, 3])
def test_job_stops_between_two_fits_when_asked(tmp_path: Path, stop_at: int) -> None:
    parameters = _parameters()
    context = _context(tmp_path, _rows(60), parameters, lambda told: told.steps("phase.route_fit") >= stop_at)
    with pytest.raises(Stopped):
        run(parameters, context)
    assert context.steps("phase.route_fit") == stop_at


def test_progress_reaches_the_last_step(tmp_path: Path) -> None:
    parameters = _parameters()
    context = _context(tmp_path, _rows(60), parameters)
    run(parameters, context)
    assert context.starts == [("cpu", 0)]
    assert context.phases[-1] == ("phase.route_fit", 12, 12)


def test_default_is_five_folds_below_5000_test_rows() -> None:
    def rows_of(test: int, calibration: int) -> int:
        rows = _rows(test, calibration)
        usable = usable_rows(*(list(part) for part in zip(*rows, strict=True)), train_rows_usable=False)
        return folds_to_use(None, usable)

    assert (rows_of(4999, 10), rows_of(5000, 10), rows_of(5000, 0)) == (5, 0, 5)
