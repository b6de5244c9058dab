"""A client that reads JSON over HTTP, and repeats requests that fail.

The client of optimade-python-tools 1.5 was read and is not used. It keeps all entries
in memory and cannot resume, it turns every error into a text beside the results so far,
which then pass for all of them, and it waits 1 s after a failure whatever the server
asks for.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2 as httpx

from gromega.crystals.io.source import MAX_FILE, MEBIBYTE

ATTEMPTS = 8
LONGEST = 64.0
"""The longest back-off in s; the first one is 1 s, and each is twice the last."""
PATIENCE = 600.0
"""The longest time in s for which a server may ask to wait."""
# A server may take long to start a response, and to send the next part of one.
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)
# A rate limit, a failure of the server or of a proxy before it.
_REPEATED = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_TEXT = 300


class RequestRefusedError(ValueError):
    """Raised for a request that a server refuses, and would refuse again."""

    def __init__(self, address: str, status: int, detail: str) -> None:
        said = f": {detail}" if detail else ""
        super().__init__(
            f"{host_of(address)} refuses the request (HTTP {status}){said}"
        )
        self.status = status
        self.detail = detail


class _FailedError(Exception):
    """A failure that may pass, and the time in s that the server asks to wait."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class Client:
    """A client for JSON, used as a context manager.

    Parameters
    ----------
    headers
        The headers of each request, such as a key. With them, a redirection is refused,
        which could pass them on to another server.
    notify
        A function called with a line of text before a request is repeated.
    sleep
        A function that waits for a number of seconds.
    transport
        The transport of httpx, for tests.
    """

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    notify: Callable[[str], None] = lambda line: None
    sleep: Callable[[float], None] = time.sleep
    transport: httpx.BaseTransport | None = None

    def __enter__(self) -> Self:
        agent = {"User-Agent": f"gromega/{version('gromega')}"}
        self._http = httpx.Client(
            headers={**agent, "Accept": "application/json", **self.headers},
            follow_redirects=not self.headers,
            timeout=_TIMEOUT,
            transport=self.transport,
        )
        self._reached: set[str] = set()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, address: str) -> dict[str, Any]:
        """Return the JSON object at an address.

        A request that fails is repeated up to `ATTEMPTS` times, with exponential
        back-off, or after the time that the server asks for. Raise RequestRefusedError
        if it is refused, OSError if it keeps failing or the server cannot be reached.
        """
        host = host_of(address)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._get(address)
            except httpx.InvalidURL as error:
                raise ValueError(f"{address}: not an address ({error}).") from None
            except httpx.TooManyRedirects as error:
                raise OSError(f"{host}: {error}.") from None
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                reason, asked = f"cannot be reached ({error})", 0.0
                if host not in self._reached:
                    raise OSError(f"{host} {reason}; check the network.") from None
            except httpx.HTTPError as error:
                reason, asked = str(error) or type(error).__name__, 0.0
            except _FailedError as error:
                reason, asked = str(error), error.wait
            if asked > PATIENCE:
                raise OSError(f"{host}: {reason}; it asks to wait {asked:.0f} s.")
            if attempt < ATTEMPTS:
                wait = max(asked, min(2.0 ** (attempt - 1), LONGEST))
                self.notify(
                    f"{host}: {reason}; attempt {attempt + 1} of {ATTEMPTS} follows in "
                    f"{wait:.0f} s"
                )
                self.sleep(wait)
        raise OSError(f"{host}: {reason}, in {ATTEMPTS} attempts.")

    def _get(self, address: str) -> dict[str, Any]:
        with self._http.stream("GET", address) as response:
            self._reached.add(host_of(address))
            body = bytearray()
            for part in response.iter_bytes():
                body += part
                if len(body) > MAX_FILE:
                    limit = MAX_FILE // MEBIBYTE
                    raise ValueError(f"{address}: more than {limit} MiB.")
        status = response.status_code
        if status in _REPEATED:
            wait = _seconds(response.headers.get("Retry-After", ""))
            raise _FailedError(f"HTTP {status}", wait)
        if status != 200:
            raise RequestRefusedError(address, status, _detail(bytes(body)))
        with suppress(ValueError, RecursionError):
            content = json.loads(bytes(body))
            if isinstance(content, dict):
                return content
        raise _FailedError("the response is not a JSON object")


def host_of(address: str) -> str:
    """Return the host of an address, with its port if one is given.

    Raise ValueError if it is not an address of HTTP.
    """
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.netloc.rpartition("@")[2]
    raise ValueError(f"{address}: not an address such as https://example.org.")


def one_line(text: object) -> str:
    """Return what a server says as one line without control characters."""
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else "?" for c in line)


def _seconds(after: str) -> float:
    """Return the seconds of a header Retry-After, which may be a date, or 0."""
    with suppress(ValueError):
        return float(min(max(int(after), 0), 10**9))
    with suppress(ValueError, TypeError):
        until = parsedate_to_datetime(after)
        return max((until - datetime.now(UTC)).total_seconds(), 0.0)
    return 0.0


def _detail(body: bytes) -> str:
    """Return the reason that a server gives for an error, or an empty text."""
    with suppress(ValueError, RecursionError, TypeError, AttributeError):
        content = json.loads(body)
        # JSON:API has a list of errors; FastAPI and the Materials Project a detail.
        errors = content.get("errors") or [content]
        details = [
            each.get("detail") or each.get("title") or each.get("message") or ""
            for each in errors
        ]
        return one_line("; ".join(map(str, filter(None, details))))[:_LONGEST_TEXT]
    return ""
