"""Keys come from the environment or the keychain, and from nowhere else."""

from __future__ import annotations

from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from core.errors import UserError
from core.keys import endpoint_key
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
