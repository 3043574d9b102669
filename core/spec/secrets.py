"""Secrets in addresses: a study file names the environment variable that holds one and never the secret itself."""

from __future__ import annotations

import re

VARIABLE = re.compile(r"\$\{(\w+)\}")
# By hand, for a parser finds no password in an address that is written wrongly, which would be kept all the same.
_PASSWORD = re.compile(r"^(?:[^:/@]+://|(?![^:/@]+://))[^:@\[]*:(?P<password>.*)@", re.DOTALL)
_PORT_AND_PATH = re.compile(r"\d{1,5}/")
_PORT = re.compile(r"^(?:[^:/@]+://|(?![^:/@]+://))[^:@\[/]*:(?P<port>[^/]*)")
_PORT_OR_VARIABLE = re.compile(r"\d{0,5}|\$\{\w+\}")


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
