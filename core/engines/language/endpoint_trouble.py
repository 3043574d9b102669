"""What can go wrong with a request to an endpoint: at once for good, for now, or for this one request only."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

from core.errors import UserError
from core.i18n import Value, english
from core.keys import secrets_of
from core.spec import EndpointModel

# An endpoint that asks for a longer pause is asked again another day.
LONGEST_WAIT_S = 900.0
_SHOWN_CHARACTERS = 200
_TRANSIENT = frozenset({408, 409, 423, 425, 429})
# Requests that were not taken at all.
_NOT_TAKEN = frozenset({"endpoint.busy", "endpoint.server_error", "endpoint.unreachable"})
# Vendors answer 429 for a used-up account too, where waiting is of no use.
_UNPAID = ("insufficient_quota", "insufficient balance", "billing_hard_limit", "exceeded your current quota")
_TOO_LONG = re.compile(r"context[ _](length|window|size)|maximum context|too (long|many tokens)|max_model_len", re.I)


class TransientTrouble(Exception):  # noqa: N818 - trouble, which may pass
    """A request that may succeed when it is sent again. `code` and `values` are the sentence for when it never does."""

    def __init__(self, code: str, wait_s: float | None = None, **values: Value) -> None:
        super().__init__(code)
        self.code = code
        self.wait_s = wait_s
        self.values = values

    @property
    def reason(self) -> str:
        """What went wrong, in a few words: the server's or the client's, where there are any."""
        words, status = self.values.get("words") or self.values.get("problem"), self.values.get("status")
        if words is None:
            return english(f"endpoint.reason.{self.code.rpartition('.')[2]}")
        return str(words) if status is None else f"{status}: {words}"

    @property
    def may_be_charged(self) -> bool:
        """Whether the endpoint may have written an answer, which its vendor charges for although it was lost."""
        return self.code not in _NOT_TAKEN

    def given_up(self, failures: int) -> UserError:
        """The error that ends the job after so many failures in a row."""
        return UserError(self.code, failures=failures, **self.values)


class RefusedRequest(Exception):  # noqa: N818 - the endpoint's no to one request
    """A request that the endpoint does not take as it is; `words` are its reasons."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status)
        self.status = status
        self.words = words

    @property
    def too_long(self) -> bool:
        """Whether the request does not fit into the model's context, by the endpoint's own words."""
        return self.status == 413 or _TOO_LONG.search(self.words) is not None


@dataclass(frozen=True)
class Reach:
    """An endpoint in words for the user, and what must never be among them."""

    url: str
    model: str
    secrets: tuple[str, ...]
    key_place: str

    def clean(self, text: str) -> str:
        """What a server said, on one line, cut to a length that can be read, without the key."""
        for secret in self.secrets:
            text = text.replace(secret, "…")
        shown = " ".join(text.split())
        return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"

    def check(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Return where a request was answered. Raises UserError where no request ever will be, else TransientTrouble
        or RefusedRequest."""
        if 200 <= status < 300:
            return
        words = self.clean(_words_of(body))
        if status in (301, 302, 303, 307, 308):
            raise UserError("endpoint.moved", url=self.url, target=shown_url(headers.get("location", "?")))
        if status in (401, 403):
            code = "endpoint.key_refused" if status == 401 else "endpoint.forbidden"
            raise UserError(code, url=self.url, key=self.key_place, words=words)
        if status == 407:
            raise self.proxy_refused(f"407: {words}")
        if status in (404, 405):
            raise UserError("endpoint.not_there", url=self.url, model=self.model, words=words)
        if status == 402 or (status == 429 and any(mark in words.lower() for mark in _UNPAID)):
            raise UserError("endpoint.unpaid", url=self.url, words=words)
        if status in _TRANSIENT or status >= 500:
            raise self._for_now(status, headers, words)
        raise RefusedRequest(status, words)

    def _for_now(self, status: int, headers: Mapping[str, str], words: str) -> Exception:
        wait_s = retry_after_s(headers.get("retry-after"))
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return UserError("endpoint.long_wait", url=self.url, minutes=math.ceil(wait_s / 60.0))
        code = "endpoint.busy" if status == 429 else "endpoint.server_error"
        return TransientTrouble(code, wait_s, url=self.url, status=status, words=words)

    def proxy_refused(self, words: str) -> UserError:
        """The error for a proxy that lets no request through."""
        return UserError("endpoint.proxy_refused", url=self.url, words=words)

    def refused(self, refusal: RefusedRequest) -> UserError:
        """The error for an endpoint that takes no request at all."""
        return UserError("endpoint.refused", url=self.url, status=refusal.status, words=refusal.words)


def reach_of(model: EndpointModel, key: str | None) -> Reach:
    """The words for an endpoint, and its secrets."""
    secrets = set(secrets_of(model, key))
    place = model.key_env or model.key_name or "key_env"
    # The longest first: one may be part of another.
    hidden = tuple(sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True))
    return Reach(shown_url(model.base_url), model.model, hidden, place)


def shown_url(url: str) -> str:
    """An address without user name, password and query, which may hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "?"
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", ""))


def retry_after_s(value: str | None, now: float | None = None) -> float | None:
    """Seconds that a Retry-After header asks to wait, given as seconds or as a date (RFC 9110, 10.2.3); null without
    a readable one."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now)
        except ValueError:
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _words_of(body: bytes) -> str:
    """What the endpoint says of an error: the message in its JSON, else the text itself."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        return text.strip() or "-"
    error = document.get("error", document) if isinstance(document, dict) else document
    if not isinstance(error, dict):
        return str(error)
    parts = [str(error[name]) for name in ("message", "detail", "code", "type") if error.get(name)]
    return "; ".join(parts) or text
