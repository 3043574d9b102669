"""Profiles in the window: every figure of the study file's schema, a vendor added, renamed, mistyped, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from form_support import TEXT_STUDY, missing_words, open_page
from pytestqt.qtbot import QtBot

from core.spec import Api, PriceFromList, PricePerRequest, PricePerToken, SelfHosted
from gui.app import Application
from gui.widgets.profiles_card import CHOSEN, KIND, NAME, PRICING, ProfilesCard, profile_specs

STUDY = TEXT_STUDY.replace("role: student, model", "role: student, profile: own, model")
MODEL = "{source: endpoint, base_url: 'http://h/v1', model: m}"
ENDPOINT = f"  - {{name: api, role: teacher, profile: offer, model: {MODEL}}}\n"


@pytest.fixture
def card(qtbot: QtBot, application: Application, tmp_path: Path) -> ProfilesCard:
    return open_page(qtbot, application, tmp_path, STUDY).profiles


def shown(card: ProfilesCard) -> set[str]:
    return {path.partition(".")[2] for path, row in card.form.rows.items() if row.shown}


def problem(card: ProfilesCard, name: str) -> str:
    return card.form.rows[f"profiles.{name}"].problem.text()


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_field_has_its_words(language: str) -> None:
    assert missing_words(profile_specs(), language) == []


def test_every_figure_of_a_profile_has_a_field() -> None:
    fields = {spec.path.partition(".")[2] for spec in profile_specs()}
    for model in (SelfHosted, PricePerToken, PricePerRequest, PriceFromList):
        assert set(model.model_fields) <= fields


def test_a_figure_of_the_machine_is_changed_and_taken_back(application: Application, card: ProfilesCard) -> None:
    draft = application.window.study_page._draft
    card.form.edited.emit("profiles.memory_gib", 32.0)
    assert draft.study is not None
    assert draft.study.profiles["own"] == SelfHosted(kind="self_hosted", capex=6000, memory_gib=32.0)
    draft.undo_stack.undo()
    assert draft.study.profiles["own"] == SelfHosted(kind="self_hosted", capex=6000)


def test_a_vendor_is_added_and_nothing_is_saved_until_its_price_is_given(
    qtbot: QtBot, application: Application, card: ProfilesCard
) -> None:
    page, document = application.window.study_page, application.context.document
    card.add_button.click()
    assert page._draft.study is None
    assert shown(card) == {
        "chosen", "name", "kind", "pricing", "per_million_input_tokens", "per_million_output_tokens", "source", "as_of",
    }  # fmt: skip
    assert problem(card, "per_million_input_tokens") == problem(card, "source") != ""
    assert page.whole_problem.text() == ""
    for name, value in (("per_million_input_tokens", 0.5), ("per_million_output_tokens", 2.0), ("source", "offer")):
        card.form.edited.emit(f"profiles.{name}", value)
    card.form.edited.emit("profiles.as_of", "yesterday")
    assert problem(card, "as_of") == "Write a date such as 2026-10-01"
    card.form.edited.emit("profiles.as_of", "2026-10-01")
    assert problem(card, "as_of") == ""
    qtbot.waitUntil(lambda: "vendor" in document.study.profiles, timeout=5000)
    vendor = document.study.profiles["vendor"]
    assert isinstance(vendor, Api)
    assert vendor.price == PricePerToken(
        per_million_input_tokens=0.5, per_million_output_tokens=2.0, source="offer", as_of="2026-10-01"
    )


def test_a_price_by_request_or_from_the_list_takes_the_place_of_another(
    application: Application, card: ProfilesCard
) -> None:
    draft = application.window.study_page._draft
    card.add_button.click()
    card.form.edited.emit(PRICING, "per_request")
    card.form.edited.emit("profiles.per_million_requests", 900.0)
    assert draft.study is not None
    priced = draft.study.profiles["vendor"]
    assert isinstance(priced, Api)
    assert isinstance(priced.price, PricePerRequest)
    card.form.edited.emit(PRICING, "genai-prices")
    assert shown(card) == {"chosen", "name", "kind", "pricing", "model"}
    card.form.edited.emit("profiles.model", "gpt-4o-mini")
    listed = draft.study.profiles["vendor"]
    assert isinstance(listed, Api)
    assert listed.price == PriceFromList(source="genai-prices", model="gpt-4o-mini")
    card.form.edited.emit(KIND, "self_hosted")
    assert problem(card, "capex") != ""  # what a machine costs is not made up
    card.form.edited.emit("profiles.capex", 3000.0)
    assert draft.study is not None
    assert draft.study.profiles["vendor"] == SelfHosted(kind="self_hosted", capex=3000)


def test_another_name_reaches_whoever_runs_there(application: Application, card: ProfilesCard) -> None:
    draft = application.window.study_page._draft
    card.form.edited.emit(NAME, "desk 4.1")
    assert draft.study is not None
    assert list(draft.study.profiles) == ["desk 4.1"]
    assert draft.study.candidates[0].profile == "desk 4.1"
    card.form.edited.emit("profiles.power_kw", 0.5)
    machine = draft.study.profiles["desk 4.1"]
    assert isinstance(machine, SelfHosted)
    assert machine.power_kw == 0.5
    card.form.edited.emit(NAME, "a/b")
    assert problem(card, "name") != ""
    assert list(draft.study.profiles) == ["desk 4.1"]


def test_only_a_profile_that_nobody_uses_can_be_removed(qtbot: QtBot, application: Application, tmp_path: Path) -> None:
    offer = "{kind: api, price: {per_million_requests: 900}}"
    spare = "{kind: api, price: {per_million_requests: 100}}"
    text = STUDY.replace("profiles: {own:", f"profiles: {{offer: {offer}, spare: {spare}, own:")
    text = text.replace("candidates: [", "candidates:\n  - ").rstrip().rstrip("]") + "\n" + ENDPOINT
    card = open_page(qtbot, application, tmp_path, text).profiles
    page = application.window.study_page
    removable = []
    for name in ("offer", "spare", "own"):
        card.form.edited.emit(CHOSEN, name)
        removable.append(card.remove_button.isVisibleTo(card))
    assert removable == [False, True, False]
    card.form.edited.emit(CHOSEN, "spare")
    card.remove_button.click()
    assert page._draft.study is not None
    assert list(page._draft.study.profiles) == ["offer", "own"]
