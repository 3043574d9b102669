"""What a search asks next: the same after the same trials, never twice, and within its space."""

from __future__ import annotations

from typing import Any

import pytest
from sweep_tasks import line, sweeping

from core.engines.sweep.proposing import falls_behind, next_settings
from core.engines.sweep.records import TrialLine
from core.engines.sweep.space import Settings
from core.jobs.specs import SweepParameters

Trainings = list[list[TrialLine]]


def finished(settings: Settings, training: int, **parts: Any) -> list[TrialLine]:
    speed = 300.0 / (settings.layers if isinstance(settings.layers, int) else len(settings.layers))
    return [line(training, settings=settings.model_dump(), requests_per_second=speed, **parts)]


def course(parameters: SweepParameters, trainings: int, known: Trainings | None = None) -> Trainings:
    """The trainings that the search asks for, going on from the known ones."""
    done = list(known or [])
    while len(done) < trainings:
        settings = next_settings(parameters.space, parameters.train, done)
        if settings is None:
            break
        done.append(finished(settings, len(done)))
    return done


def test_a_search_that_was_killed_asks_on_as_it_would_have_asked() -> None:
    parameters = sweeping(trials=12, layers=[1, 2, [0, 2]])
    straight = course(parameters, 12)
    for killed_after in (1, 5, 11):
        kept = [[TrialLine.model_validate_json(one.model_dump_json()) for one in lines] for lines in straight]
        assert course(parameters, 12, kept[:killed_after]) == straight


def test_another_seed_asks_for_other_settings() -> None:
    one = sweeping(trials=5)
    other = one.model_copy(update={"train": one.train.model_copy(update={"seed": 2})})
    assert course(one, 5) != course(other, 5)


def test_the_first_student_is_the_largest_with_the_study_s_own_temperature() -> None:
    parameters = sweeping(layers=[1, [0, 1, 2], 2], feed_forward=[16, None], temperature=[3.0, 8.0], alpha=[0.2, 0.5])
    assert next_settings(parameters.space, parameters.train, []) == Settings(
        layers=(0, 1, 2), feed_forward=None, trim_vocabulary=False, temperature=3.0, alpha=0.5
    )


def test_settings_stay_within_the_space_and_are_never_tried_twice() -> None:
    parameters = sweeping(trials=20, temperature=[1.5, 1.6], alpha=[0.7, 0.7])
    settings = [lines[0].settings for lines in course(parameters, 20)]
    assert len(set(settings)) == 20
    assert {one.layers for one in settings} == {1, 2}
    assert {one.feed_forward for one in settings} == {None, 16}
    assert all(1.5 <= one.temperature <= 1.6 and one.alpha == 0.7 for one in settings)


def test_a_space_of_single_values_is_tried_once_and_then_used_up() -> None:
    parameters = sweeping(trials=50, temperature=[2.0, 2.0], alpha=[0.9, 0.9], trim_vocabulary=[True, False])
    settings = [lines[0].settings for lines in course(parameters, 50)]
    assert len(settings) == len(set(settings)) == 8


def test_the_search_turns_to_the_settings_that_did_well() -> None:
    parameters = sweeping(trials=30, layers=[1, 2, 3], feed_forward=[None])
    layers = [lines[0].settings.layers for lines in course(parameters, 30)]
    assert layers[15:].count(1) > 10


def test_trainings_that_failed_or_were_stopped_are_gone_on_from() -> None:
    parameters = sweeping(trials=30)
    done = course(parameters, 6)
    done[2] = [line(2, None, (), settings=done[2][0].settings.model_dump(), state="failed", quality=None)]
    stopped = {"state": "stopped early", "quality": None, "requests_per_second": None, "feasible": False}
    done[4] = [line(4, None, (0.2,), settings=done[4][0].settings.model_dump(), **stopped)]
    assert next_settings(parameters.space, parameters.train, done) is not None


def judged(best: float, quality: float, *, feasible: bool, others: int = 4, epochs: int = 4) -> bool:
    """Whether a training at `quality` after two epochs is ended, where the finished ones stood at `best` and lower."""
    parameters = sweeping()
    settings = Settings(layers=1, feed_forward=None, trim_vocabulary=False, temperature=4.0, alpha=0.5)
    before = [[line(n, qualities=(0.1, best - 0.1 * n, 0.9, 0.9), feasible=feasible)] for n in range(others)]
    return falls_behind(parameters.space, settings, [0.1, quality], epochs, before)


def test_a_training_below_the_median_is_ended_while_none_keeps_everything() -> None:
    assert judged(0.8, 0.6, feasible=False)
    assert not judged(0.8, 0.7, feasible=False)


def test_a_training_goes_on_where_one_as_low_turned_out_to_keep_everything() -> None:
    assert not judged(0.8, 0.55, feasible=True)
    assert judged(0.8, 0.45, feasible=True)


def test_a_training_that_may_yet_keep_its_share_goes_on_where_the_others_are_as_good_as_the_teacher() -> None:
    parameters = sweeping(retain=0.95)
    settings = Settings(layers=1, feed_forward=None, trim_vocabulary=False, temperature=4.0, alpha=0.5)
    before = [[line(n, qualities=(0.9, 1.0, 1.0, 1.0), feasible=True)] for n in range(4)]
    assert not falls_behind(parameters.space, settings, [0.5, 0.96], 4, before)
    assert falls_behind(parameters.space, settings, [0.5, 0.94], 4, before)


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_shape_that_keeps_everything_is_left_for_smaller_ones(seed: int) -> None:
    parameters = sweeping(trials=6, layers=[1, 2, 3], feed_forward=[None])
    parameters = parameters.model_copy(update={"train": parameters.train.model_copy(update={"seed": seed})})
    layers = [lines[0].settings.layers for lines in course(parameters, 3)]
    assert layers[0] == 3
    assert 1 in layers[1:]


def test_nothing_is_ended_before_enough_trainings_or_after_the_last_epoch() -> None:
    assert not judged(0.8, 0.1, feasible=False, others=3)
    assert not judged(0.8, 0.1, feasible=False, epochs=2)
