"""A password in an address of the study is refused, without being shown, and told where an old study holds one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evidence_by_hand import evidence_of, make_study, right_share, scored, study_document

from core.decide import decide
from core.decide.documents import recommendation_document, results_document
from core.errors import UserError
from core.jobs.preflight import check_supported
from core.report.build import build_report
from core.report.html import render_html
from core.spec.secrets import has_odd_port, writes_password
from core.store import StudyStore
from core.study_file import validate_study

HELD = "hush-4711"
WITH_PASSWORD = f"http://agent:{HELD}@proxy.example:3128"


def candidate(**more: Any) -> dict[str, Any]:
    endpoint = {"source": "endpoint", "base_url": "https://vendor.example/v1", "model": "m", **more}
    return {"name": "big", "role": "teacher", "model": endpoint}


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (WITH_PASSWORD, True),
        ("http://agent:pa/ss@proxy.example:3128", True),
        ("agent:secret@proxy.example:3128", True),
        ("http://:secret@proxy.example", True),
        ("http://agent:12345@proxy.example", True),
        ("http://agent:${WITH:-default}@proxy.example", True),
        ("http://agent:${PASSWORD}@proxy.example:3128", False),
        ("http://agent@proxy.example:3128", False),
        ("http://proxy.example:3128", False),
        ("http://[::1]:3128", False),
        ("https://vendor.example:8443/v1/models/@cf", False),
        ("${OUR_PROXY}", False),
        (None, False),
    ],
)
def test_a_password_is_told_from_the_rest_of_an_address(address: str | None, found: bool) -> None:
    assert writes_password(address) == found


@pytest.mark.parametrize(
    ("address", "odd"),
    [
        (f"http://agent:{HELD}", True),
        ("agent:hush", True),
        ("http://agent:${PASS", True),
        ("http://proxy.example:3128", False),
        ("http://proxy.example:3128/path", False),
        ("http://proxy.example:", False),
        ("http://proxy.example:${PORT}", False),
        ("http://proxy.example", False),
        ("socks5://[::1]:1080", False),
        ("${OUR_PROXY}", False),
        ("http://agent:${PASSWORD}@proxy.example:3128", False),
    ],
)
def test_a_password_that_is_being_typed_is_told_from_a_port(address: str, odd: bool) -> None:
    assert has_odd_port(address) == odd


def test_a_half_typed_password_is_not_stored_and_not_shown() -> None:
    with pytest.raises(UserError) as refusal:
        validate_study(study_document([candidate(proxy=f"http://agent:{HELD}")], data={"file": "rows.csv"}))
    assert refusal.value.code == "study.proxy_port"
    assert HELD not in refusal.value.text


@pytest.mark.parametrize(
    ("more", "field", "remedy"),
    [
        ({"proxy": WITH_PASSWORD}, "candidates[0].model.proxy", "http://user:${NAME}@host:port"),
        ({"base_url": f"https://agent:{HELD}@vendor.example/v1"}, "candidates[0].model.base_url", "model.key_env"),
    ],
)
def test_a_study_file_with_a_password_is_refused_with_the_remedy_and_without_the_password(
    more: dict[str, str], field: str, remedy: str
) -> None:
    with pytest.raises(UserError) as refusal:
        validate_study(study_document([candidate(**more)]))
    assert refusal.value.text.startswith(f"{field}: ")
    assert remedy in refusal.value.text
    assert HELD not in refusal.value.text


def test_a_judges_proxy_is_looked_at_too() -> None:
    judge = {"model": candidate(proxy=WITH_PASSWORD)["model"]}
    task = {"kind": "generation", "metric": "judge", "prompt": "{text}", "judge": judge}
    with pytest.raises(UserError, match=r"task\.judge\.model\.proxy"):
        validate_study(study_document([candidate()], task=task))


def test_the_name_of_a_variable_is_no_password() -> None:
    named = candidate(proxy="http://agent:${PROXY_PASSWORD}@proxy.example:3128")
    assert validate_study(study_document([named], data={"file": "rows.csv"})).candidates[0].name == "big"


def test_a_stored_study_with_a_password_opens_starts_nothing_and_is_told_without_it(tmp_path: Path) -> None:
    study = make_study([candidate(proxy=WITH_PASSWORD)])
    path = tmp_path / "old.tercet"
    StudyStore.create(path, study, tmp_path, "version: 1").close()
    with StudyStore.open(path, write=False) as store:
        stored = store.study()
    with pytest.raises(UserError) as refusal:
        check_supported(stored, tmp_path)
    assert refusal.value.code == "study.proxy_password"
    rows = evidence_of(stored, {"big": scored(right_share(0.9, 100))})
    found = decide(rows, with_flips=False)
    results, recommendation = results_document(rows, found), recommendation_document(found)
    told = [note["text"] for note in recommendation["notes"]]
    assert any("candidates[0].model.proxy holds a password" in text and "change the password" in text for text in told)
    report = render_html(build_report(found, rows, results, recommendation), "en")
    assert "holds a password" in report
    assert HELD not in f"{results}{recommendation}{report}"
