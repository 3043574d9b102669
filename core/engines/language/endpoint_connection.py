"""The HTTP client of an endpoint: key, headers, proxy, certificates; and its errors in words."""

from __future__ import annotations

import re
import ssl
import time
from typing import TYPE_CHECKING, Any

from core.engines.language.endpoint_trouble import Reach, TransientTrouble, shown_url
from core.errors import UserError
from core.keys import headers_of, proxy_of
from core.lazy import load
from core.spec import EndpointModel

if TYPE_CHECKING:
    from httpx2 import AsyncClient

# How a proxy's no to a tunnel begins.
_PROXY_REFUSAL = re.compile(r"(401|403|407)\b")
# A token of RFC 9110, 5.6.2.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def open_client(model: EndpointModel, key: str | None, connections: int) -> AsyncClient:
    """A client that sends the endpoint's headers, and its key as a bearer token. It never sends anything twice.

    Without `proxy` the environment's proxies are used, without `ca_file` the system's certificates. Raises UserError
    for a header, proxy or certificate file that cannot be used.
    """
    http: Any = load("httpx2")
    headers = {"Accept": "application/json", **({} if key is None else {"Authorization": f"Bearer {key}"})}
    headers.update(_checked_headers(model))
    try:
        client: AsyncClient = http.AsyncClient(
            headers=headers,
            proxy=proxy_of(model),
            verify=True if model.ca_file is None else _certificates(model.ca_file),
            timeout=model.timeout_s,
            limits=http.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
        )
    except (ValueError, ImportError, http.InvalidURL) as error:
        raise UserError("endpoint.proxy_unusable", proxy=shown_url(proxy_of(model) or "")) from error
    return client


class SendTimer:
    """Milliseconds from the moment at which a request begins to be sent: its connection is opened, or taken up again.

    `trace` is for the request's extension of that name (https://www.encode.io/httpcore/extensions/#trace); what the
    client does before is no part of the endpoint's time.
    """

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._sending = False

    async def trace(self, event: str, details: object) -> None:
        """Hear of a step of the client's: the first one is the moment."""
        if not self._sending:
            self._sending, self._begun = True, time.perf_counter()

    def milliseconds(self) -> float:
        """Since that moment."""
        return (time.perf_counter() - self._begun) * 1000.0


def _checked_headers(model: EndpointModel) -> dict[str, str]:
    """The study file's own headers. A value that HTTP cannot carry would be quoted in the library's error."""
    headers = headers_of(model)
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and value.isascii() and value.isprintable()):
            raise UserError("endpoint.header_unusable", name=name)
    return headers


def _certificates(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise UserError("endpoint.ca_unusable", path=ca_file) from error


def told_error(error: Exception, reach: Reach, model: EndpointModel) -> Exception | None:
    """The exception that says what a failed exchange means: for good, or for now; null for a bug."""
    http: Any = load("httpx2")
    if isinstance(error, TimeoutError | http.TimeoutException):
        return TransientTrouble("endpoint.timeout", url=reach.url, seconds=f"{model.timeout_s:g}")
    if isinstance(error, http.UnsupportedProtocol | http.InvalidURL):
        return UserError("endpoint.address_unusable", url=reach.url)
    if _certificate_refused(error):
        return UserError("endpoint.not_trusted", url=reach.url)
    if isinstance(error, http.ProxyError) and _PROXY_REFUSAL.match(str(error)):
        return reach.proxy_refused(reach.clean(str(error)))
    if isinstance(error, http.ConnectError | http.ProxyError):
        return TransientTrouble("endpoint.unreachable", url=reach.url, problem=reach.clean(str(error)) or "-")
    if isinstance(error, http.TransportError | http.DecodingError):
        return TransientTrouble("endpoint.cut_off", url=reach.url, problem=reach.clean(str(error)) or "-")
    return None


def _certificate_refused(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)
