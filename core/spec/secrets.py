"""Secrets in addresses and headers: a study file names the environment variable that holds one and never the secret
itself."""

from __future__ import annotations

import re

VARIABLE = re.compile(r"\$\{(\w+)\}")
# By hand, for a parser finds no password in an address that is written wrongly, which would be kept all the same.
_PASSWORD = re.compile(r"^(?:[^:/@]+://|(?![^:/@]+://))[^:@\[]*:(?P<password>.*)@", re.DOTALL)
_PORT_AND_PATH = re.compile(r"\d{1,5}/")
_PORT = re.compile(r"^(?:[^:/@]+://|(?![^:/@]+://))[^:@\[/]*:(?P<port>[^/]*)")
_PORT_OR_VARIABLE = re.compile(r"\d{0,5}|\$\{\w+\}")
# Names of headers that carry what opens a door: Authorization, X-API-Key, Cookie and the like.
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password|credential|session|signature", re.IGNORECASE)
# What says of a value, whatever its header is called, that a secret follows (RFC 9110, 11.6.2).
_SCHEME = re.compile(r"\s*(?:bearer|basic|digest|token|apikey)\s+(?P<secret>\S.*)", re.IGNORECASE | re.DOTALL)


def password_in(address: str) -> str | None:
    """The password that an address holds, such as `secret` in `http://me:secret@host:3128`; null without one."""
    found = _PASSWORD.match(address)
    if found is None or _PORT_AND_PATH.match(found["password"]):
        return None
    return found["password"] or None


def has_odd_port(address: str | None) -> bool:
    """Whether what stands in the place of an address's port is none: it may be a password whose @ is still to come."""
    found = None if address is None else _PORT.match(address)
    return found is not None and "@" not in (address or "") and _PORT_OR_VARIABLE.fullmatch(found["port"]) is None


def writes_password(address: str | None) -> bool:
    """Whether an address holds a password itself, and not the name of the environment variable that does."""
    password = None if address is None else password_in(address)
    return password is not None and VARIABLE.fullmatch(password) is None


def secret_in(value: str) -> str | None:
    """What follows the scheme in a header's value, such as `sk-1` in `Bearer sk-1`; null without a scheme."""
    found = _SCHEME.fullmatch(value)
    return None if found is None else found["secret"].strip()


def writes_secret(name: str, value: str) -> bool:
    """Whether a header holds a secret itself, by its name or by the scheme in its value, and not the name of the
    environment variable that does."""
    told = secret_in(value) is not None or (_SECRET_HEADER.search(name) is not None and bool(value.strip()))
    return told and VARIABLE.search(value) is None
