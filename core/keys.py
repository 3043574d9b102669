"""The secrets of endpoints: keys from the environment or the system's keychain, what a proxy or a header needs from the
environment, and nothing from anywhere else.

A secret is handed to the one place that sends it. It stands in no file, event, log line or error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote
from urllib.request import getproxies

from core.errors import UserError
from core.lazy import load
from core.spec import EndpointModel
from core.spec.secrets import VARIABLE, password_in, secret_in

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


def check_secrets_there(model: EndpointModel) -> None:
    """Raises UserError where a key or a variable that an endpoint needs is not there: before anything is bought."""
    endpoint_key(model)
    proxy_of(model)
    headers_of(model)


def proxy_of(model: EndpointModel) -> str | None:
    """The address of an endpoint's proxy with its `${NAME}` filled in; null where the system's is used.

    Raises UserError for a variable that is not set.
    """
    address = model.proxy
    if address is None:
        return None
    # Before the last @ stand user and password, where the signs of an address must be written as codes.
    place = address.rfind("@")
    return VARIABLE.sub(lambda found: _filled(found, "model.proxy", coded=found.end() <= place), address)


def headers_of(model: EndpointModel) -> dict[str, str]:
    """An endpoint's further headers with their `${NAME}` filled in. Raises UserError for a variable that is not set."""
    field = "model.headers"
    return {name: VARIABLE.sub(lambda found: _filled(found, field), value) for name, value in model.headers.items()}


def secrets_of(model: EndpointModel, key: str | None) -> Iterator[str]:
    """All that must never be shown of an endpoint: its key, the values of its headers, also without the scheme before
    them, what the environment gives to them, and passwords of proxies, its own and the system's."""
    yield key or ""
    for value in headers_of(model).values():
        yield from (value, secret_in(value) or "")
    for value in model.headers.values():
        yield from (_filled(found, "model.headers") for found in VARIABLE.finditer(value))
    for address in (model.base_url, proxy_of(model) or "", *getproxies().values()):
        password = password_in(address) or ""
        yield from (password, unquote(password))


def _filled(found: re.Match[str], field: str, *, coded: bool = False) -> str:
    name = found.group(1)
    value = os.environ.get(name, "").strip()
    if not value:
        raise UserError("key.variable_missing", name=name, field=field)
    return quote(value, safe="") if coded else value
