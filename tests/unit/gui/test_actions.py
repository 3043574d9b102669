from __future__ import annotations

from collections import Counter

import pytest

from gui.actions import ACTIONS, MENUS, Actions, WindowState
from gui.app import Application


def enabled(state: WindowState) -> set[str]:
    return {spec.action_id for spec in ACTIONS if spec.enabled_when(state)}


def test_no_shortcut_is_given_twice() -> None:
    shortcuts = Counter(spec.shortcut for spec in ACTIONS if spec.shortcut)
    assert [shortcut for shortcut, count in shortcuts.items() if count > 1] == []


def test_every_menu_of_the_table_is_offered() -> None:
    assert {spec.menu for spec in ACTIONS if spec.menu} == set(MENUS)


def test_without_a_study_only_ways_to_get_one_are_enabled() -> None:
    offered = enabled(WindowState())
    assert {"study.new", "study.open", "study.sample", "window.quit"} <= offered
    assert not {"study.close", "runs.start", "page.runs", "edit.undo"} & offered


def test_a_read_only_study_cannot_start_jobs() -> None:
    assert "runs.start" not in enabled(WindowState(study_open=True, writable=False, waiting_jobs=3))
    assert "runs.start" in enabled(WindowState(study_open=True, writable=True, waiting_jobs=3))


def test_an_action_without_a_slot_is_refused(application: Application) -> None:
    actions = Actions(application.window, application.context.translator)
    with pytest.raises(KeyError):
        actions.connect_all({"study.new": lambda: None})


def test_actions_follow_the_study(open_study: Application) -> None:
    table = open_study.window.actions_table
    assert table["runs.start"].isEnabled()
    assert table["page.decide"].isEnabled()
    assert not table["edit.undo"].isEnabled()
