"""The client: what it repeats, how long it waits, and what it gives up."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2 as httpx
import pytest

from gromega.crystals.ingest.providers.client import (
    ATTEMPTS,
    LONGEST,
    Client,
    RequestRefusedError,
)

ADDRESS = "http://db.test/v1/structures"
GOOD = httpx.Response(200, json={"data": []})


def ask(*responses, headers=None, address=ADDRESS):
    """Return what a client gets from a server with some responses, and its waits.

    The last response is repeated. An exception is raised instead of a response.
    """
    waits, lines, left = [], [], list(responses)

    def respond(request):
        response = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(response, Exception):
            raise response
        return response

    transport = httpx.MockTransport(respond)
    with Client(headers or {}, lines.append, waits.append, transport) as client:
        try:
            return client.get(address), waits, lines
        except (OSError, ValueError) as error:
            return error, waits, lines


def test_a_response_is_returned():
    assert ask(GOOD) == ({"data": []}, [], [])


@pytest.mark.parametrize(
    "failure",
    [
        *[httpx.Response(status) for status in (429, 500, 502, 503, 504)],
        # a proxy speaks HTML, a response is cut, is no object
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text='{"data": ['),
        httpx.Response(200, json=[]),
        httpx.Response(200, text="[" * 100_000),
        httpx.ReadTimeout("timed out"),
        httpx.RemoteProtocolError("peer closed connection"),
    ],
    ids=str,
)
def test_a_failure_is_repeated_with_a_notice(failure):
    content, waits, lines = ask(failure, failure, GOOD)
    assert content == {"data": []}
    assert waits == [1.0, 2.0]
    assert all(line.startswith("db.test: ") for line in lines)
    assert "attempt 3 of" in lines[1]


def test_the_wait_doubles_up_to_a_limit():
    error, waits, _ = ask(httpx.Response(503))
    assert isinstance(error, OSError)
    assert "503" in str(error)
    assert len(waits) == ATTEMPTS - 1
    assert waits == [min(2.0**k, LONGEST) for k in range(ATTEMPTS - 1)]


@pytest.mark.parametrize(
    ("after", "low", "high"),
    [
        ("7", 7, 7),
        # shorter than the back-off, nonsense, in the past
        ("0", 1, 1),
        ("soon", 1, 1),
        ("nan", 1, 1),
        ("Mon, 06 May 2024 07:08:09 GMT", 1, 1),
    ],
)
def test_the_wait_that_a_server_asks_for_is_kept(after, low, high):
    response = httpx.Response(429, headers={"Retry-After": after})
    _, (wait,), _ = ask(response, GOOD)
    assert low <= wait <= high


def test_a_server_can_ask_to_wait_until_a_time():
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    _, (wait,), _ = ask(httpx.Response(429, headers={"Retry-After": then}), GOOD)
    assert 30 <= wait <= 90


def test_a_server_that_asks_to_wait_for_long_is_given_up():
    for after, seconds in (("86400", "86400 s"), ("9" * 400, "1000000000 s")):
        error, waits, _ = ask(httpx.Response(503, headers={"Retry-After": after}))
        assert isinstance(error, OSError)
        assert seconds in str(error)
        assert waits == []


def test_a_server_that_is_not_there_is_given_up_at_once():
    error, waits, _ = ask(httpx.ConnectError("Name or service not known"))
    assert isinstance(error, OSError)
    assert "db.test cannot be reached" in str(error)
    assert waits == []


def test_a_connection_that_is_lost_later_is_repeated():
    content, waits, _ = ask(httpx.Response(503), httpx.ConnectError("refused"), GOOD)
    assert content == {"data": []}
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("status", "content", "detail"),
    [
        (400, {"errors": [{"detail": "bad filter"}, {"title": "b"}]}, "bad filter; b"),
        (401, {"message": "Invalid\nauthentication"}, "Invalid authentication"),
        (422, {"detail": [{"loc": ["query"]}]}, "[{'loc': ['query']}]"),
        # escapes for a terminal do not reach it
        (400, {"errors": [{"detail": "\x1b[31mred"}]}, "?[31mred"),
        (400, {"errors": "none"}, ""),
        (404, "<html>", ""),
    ],
)
def test_a_refusal_has_the_detail_of_the_server(status, content, detail):
    error, waits, _ = ask(httpx.Response(status, json=content))
    assert isinstance(error, RequestRefusedError)
    assert (error.status, error.detail) == (status, detail)
    assert f"db.test refuses the request (HTTP {status})" in str(error)
    assert waits == []


def test_a_key_is_not_sent_to_where_a_server_redirects():
    there = httpx.Response(302, headers={"Location": "http://other.test"})
    assert ask(there, GOOD)[0] == {"data": []}
    error, *_ = ask(there, GOOD, headers={"X-API-KEY": "secret"})
    assert isinstance(error, RequestRefusedError)
    assert error.status == 302


@pytest.mark.parametrize("address", ["ftp://db.test", "db.test", "http://[", "http://"])
def test_an_address_must_be_one(address):
    error, *_ = ask(GOOD, address=address)
    assert isinstance(error, ValueError | OSError)
    assert address in str(error)


def test_a_response_that_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr("gromega.crystals.ingest.providers.client.MAX_FILE", 1000)
    error, *_ = ask(httpx.Response(200, content=b" " * 2000))
    assert isinstance(error, ValueError)
