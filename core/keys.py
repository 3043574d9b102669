"""The secret keys of endpoints: from the environment or the system's keychain, and from nowhere else.

A key is handed to the one place that sends it. It stands in no file, event, log line or error.
"""

from __future__ import annotations

import os
from typing import Any

from core.errors import UserError
from core.lazy import load
from core.spec import EndpointModel

# The name under which the system's keychain lists Tercet's keys.
KEYCHAIN_SERVICE = "tercet"


def endpoint_key(model: EndpointModel) -> str | None:
    """The key that opens an endpoint, without the white space that copying leaves around it; null where it needs none.

    The environment comes first. Raises UserError where the named key is not there, or is no key.
    """
    if model.key_env is not None:
        return _checked(_environment_key(model.key_env), model.key_env)
    if model.key_name is not None:
        return _checked(_keychain_key(model.key_name), model.key_name)
    return None


def _environment_key(name: str) -> str:
    key = os.environ.get(name, "").strip()
    if not key:
        raise UserError("key.not_in_environment", name=name)
    return key


def _keychain_key(name: str) -> str:
    keyring: Any = load("keyring")
    errors: Any = load("keyring.errors")
    try:
        key = keyring.get_password(KEYCHAIN_SERVICE, name)
    except errors.KeyringError as error:
        raise UserError("key.no_keychain", name=name, problem=type(error).__name__) from error
    if not key or not key.strip():
        raise UserError("key.not_in_keychain", name=name, service=KEYCHAIN_SERVICE)
    return str(key).strip()


def _checked(key: str, name: str) -> str:
    # An HTTP library that finds another character in a header quotes the whole header in its error.
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UserError("key.not_printable", name=name)
    return key
