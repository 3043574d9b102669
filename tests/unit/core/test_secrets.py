"""A password in an address or a key in a header of the study is refused, without being shown, and told where an old
study holds one."""

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
from core.spec.secrets import has_odd_port, writes_password, writes_secret
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
        ({"headers": {"X-API-Key": HELD}}, "candidates[0].model.headers", "X-API-Key: ${NAME}"),
        ({"headers": {"X-Team": "blue", "X-Via": f"Bearer {HELD}"}}, "candidates[0].model.headers", "model.key_name"),
    ],
)
def test_a_study_file_with_a_password_is_refused_with_the_remedy_and_without_the_password(
    more: dict[str, Any], field: str, remedy: str
) -> None:
    with pytest.raises(UserError) as refusal:
        validate_study(study_document([candidate(**more)]))
    assert refusal.value.text.startswith(f"{field}: ")
    assert remedy in refusal.value.text
    assert HELD not in refusal.value.text


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("Authorization", "Bearer sk-1", True),
        ("authorization", "abc", True),
        ("api-key", "abc", True),
        ("Ocp-Apim-Subscription-Key", "abc", True),
        ("Cookie", "sid=1", True),
        ("Proxy-Authorization", "Basic YTpi", True),
        ("X-Upstream", "Bearer sk-1", True),
        ("X-Upstream", "basic YTpi", True),
        ("Authorization", "Bearer ${VENDOR_KEY}", False),
        ("Cookie", "sid=${SESSION}; theme=dark", False),
        ("api-key", "", False),
        ("X-Team", "blue", False),
        ("X-Purpose", "Basic", False),
        ("anthropic-version", "2023-06-01", False),
        ("HTTP-Referer", "https://our.example/app", False),
    ],
)
def test_a_header_that_carries_a_key_is_told_by_its_name_or_by_the_scheme_in_its_value(
    name: str, value: str, found: bool
) -> None:
    assert writes_secret(name, value) == found


def test_a_judges_proxy_is_looked_at_too() -> None:
    judge = {"model": candidate(proxy=WITH_PASSWORD)["model"]}
    task = {"kind": "generation", "metric": "judge", "prompt": "{text}", "judge": judge}
    with pytest.raises(UserError, match=r"task\.judge\.model\.proxy"):
        validate_study(study_document([candidate()], task=task))


def test_the_name_of_a_variable_is_no_password() -> None:
    named = candidate(proxy="http://agent:${PROXY_PASSWORD}@proxy.example:3128")
    assert validate_study(study_document([named], data={"file": "rows.csv"})).candidates[0].name == "big"


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"proxy": WITH_PASSWORD}, "study.proxy_password", "candidates[0].model.proxy"),
        ({"headers": {"api-key": HELD}}, "study.header_secret", "candidates[0].model.headers.api-key"),
    ],
)
def test_a_stored_study_with_a_secret_opens_starts_nothing_and_is_told_without_it(
    tmp_path: Path, more: dict[str, Any], code: str, field: str
) -> None:
    study = make_study([candidate(**more)])
    path = tmp_path / "old.tercet"
    StudyStore.create(path, study, tmp_path, "version: 1").close()
    with StudyStore.open(path, write=False) as store:
        stored = store.study()
    with pytest.raises(UserError) as refusal:
        check_supported(stored, tmp_path)
    assert refusal.value.code == code
    rows = evidence_of(stored, {"big": scored(right_share(0.9, 100))})
    found = decide(rows, with_flips=False)
    results, recommendation = results_document(rows, found), recommendation_document(found)
    told = [note["text"] for note in recommendation["notes"]]
    assert any(f"{field} holds a password or key" in text and "change the password" in text for text in told)
    report = render_html(build_report(found, rows, results, recommendation), "en")
    assert "holds a password" in report
    assert HELD not in f"{results}{recommendation}{report}"
