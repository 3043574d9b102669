"""Keys come from the environment or the keychain, and from nowhere else."""

from __future__ import annotations

from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from core.engines.language.endpoint_trouble import reach_of
from core.errors import UserError
from core.keys import check_secrets_there, endpoint_key, headers_of, proxy_of, secrets_of
from core.spec import EndpointModel

KEY = "sk-0123456789"


def model(**more: Any) -> EndpointModel:
    return EndpointModel(source="endpoint", base_url="https://host/v1", model="m", **more)


class Keychain(KeyringBackend):
    """A keychain in memory with one key."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        return KEY if (service, username) == ("tercet", "vendor") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


def refusal(endpoint: EndpointModel) -> UserError:
    with pytest.raises(UserError) as caught:
        endpoint_key(endpoint)
    assert KEY not in str(caught.value)
    return caught.value


def test_a_key_comes_from_the_environment_without_white_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_KEY", f"  {KEY}\n")
    assert endpoint_key(model(key_env="VENDOR_KEY")) == KEY
    assert endpoint_key(model()) is None


def test_a_key_comes_from_the_keychain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", Keychain())  # type: ignore[no-untyped-call]  # untyped there
    assert endpoint_key(model(key_name="vendor")) == KEY
    missing = refusal(model(key_name="other"))
    assert missing.code == "key.not_in_keychain"
    assert "keyring set tercet other" in str(missing)


def test_a_machine_without_a_keychain_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", fail.Keyring())  # type: ignore[no-untyped-call]  # untyped there
    assert refusal(model(key_name="vendor")).code == "key.no_keychain"


@pytest.mark.parametrize(
    ("value", "code"),
    [("", "key.not_in_environment"), ("  ", "key.not_in_environment"), (f"{KEY} {KEY}", "key.not_printable")],
)
def test_what_is_no_key_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch, value: str, code: str) -> None:
    monkeypatch.setenv("VENDOR_KEY", value)
    error = refusal(model(key_env="VENDOR_KEY"))
    assert error.code == code
    assert "VENDOR_KEY" in str(error)


HELD = "p@ss:w/rd"


def test_a_password_of_a_proxy_comes_from_the_environment_with_the_signs_of_addresses_as_codes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROXY_PASSWORD", HELD)
    endpoint = model(proxy="http://agent:${PROXY_PASSWORD}@host:3128")
    assert proxy_of(endpoint) == "http://agent:p%40ss%3Aw%2Frd@host:3128"
    assert {HELD, "p%40ss%3Aw%2Frd"} <= set(secrets_of(endpoint, None))
    assert proxy_of(model()) is None


def test_a_whole_proxy_may_stand_in_the_environment_and_its_password_is_a_secret_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OUR_PROXY", "http://agent:hush@host:3128")
    endpoint = model(proxy="${OUR_PROXY}")
    assert proxy_of(endpoint) == "http://agent:hush@host:3128"
    assert "hush" in set(secrets_of(endpoint, None))


def test_the_password_of_the_systems_own_proxy_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://agent:hush@host:3128")
    assert "hush" in set(secrets_of(model(), None))


def test_a_header_may_name_the_variable_that_holds_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDOR_KEY", KEY)
    endpoint = model(headers={"api-key": "${VENDOR_KEY}", "X-Team": "blue"})
    assert headers_of(endpoint) == {"api-key": KEY, "X-Team": "blue"}
    assert KEY in set(secrets_of(endpoint, None))


def test_what_a_header_holds_is_hidden_also_where_a_server_tells_it_without_what_stands_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDOR_KEY", KEY)
    for value in ("Bearer ${VENDOR_KEY}", "sid=${VENDOR_KEY}; theme=dark", f"Bearer {KEY}"):
        hidden = reach_of(model(headers={"Authorization": value}), None)
        assert KEY not in hidden.clean(f"no such key: {KEY}")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"proxy": "http://agent:${NO_SUCH_VARIABLE}@host"}, "model.proxy"),
        ({"headers": {"api-key": "${NO_SUCH_VARIABLE}"}}, "model.headers"),
    ],
)
def test_a_variable_that_is_not_set_is_named_before_anything_is_bought(more: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as caught:
        check_secrets_there(model(**more))
    assert caught.value.code == "key.variable_missing"
    assert field in caught.value.text
    assert "NO_SUCH_VARIABLE" in caught.value.text
