import asyncio
import gzip
import io
import json
import random
import re
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from gromega import read_pdf
from gromega.measured.examples import EXAMPLES
from gromega.web import app as web
from gromega.web.app import make_app
from gromega.web.options import RequestOptions
from gromega.web.page import PAGE

RUTILE = EXAMPLES["rutile-synchrotron.gr"]
R = np.arange(1.5, 30, 0.02)
G = np.sin(3 * R)


def columns(r, g):
    return "".join(f"{x:.3f} {y:.5f}\n" for x, y in zip(r, g, strict=True))


@pytest.fixture(scope="module")
def client(model, library):
    with TestClient(
        make_app(model, "tiny", library), base_url="http://127.0.0.1"
    ) as client:
        yield client


def test_the_response_is_the_prediction_of_the_model(client, model, library):
    pdf = read_pdf(io.StringIO(RUTILE))
    expected = model.predict(pdf, 0.9, True, True, library).to_mapping()
    reply = client.post("/api/predict?explain=true", content=RUTILE.encode())
    assert reply.status_code == 200
    assert reply.json() == json.loads(json.dumps(expected))
    assert reply.json()["reliability"]["n"] > 0
    packed = client.post("/api/predict", content=gzip.compress(RUTILE.encode()))
    assert packed.json()["groups"] == reply.json()["groups"]
    assert packed.json()["importance"] is None


def test_the_points_of_a_file_are_returned(client):
    reply = client.post("/api/pdf?qmax=18", content=RUTILE.encode()).json()
    pdf = read_pdf(io.StringIO(RUTILE))
    np.testing.assert_allclose(reply["r"], pdf.r, atol=1e-4)
    np.testing.assert_allclose(reply["g"], pdf.g, atol=1e-4)
    assert any("18" in note for note in reply["notes"])
    broken = client.post("/api/pdf?name=a.gr", content=b"nothing")
    assert broken.status_code == 422 and "a.gr" in broken.json()["detail"]


def test_the_composition_is_used_or_ignored(client):
    path = "/api/predict?reliability=false&composition="
    used = client.post(path + "TiO2", content=RUTILE.encode()).json()
    assert used["composition"] == "TiO2"
    ignored = client.post(path + "unknown", content=RUTILE.encode()).json()
    assert ignored["composition"] is None
    assert ignored["groups"] != used["groups"]
    assert not any("composition" in text for text in ignored["notes"])


def test_options_change_conditions_and_coverage(client):
    path = (
        "/api/predict?reliability=false&qmax=18&rmax=20&radiation=neutron&coverage=0.95"
    )
    found = client.post(path, content=RUTILE.encode()).json()
    assert found["conditions"]["qmax"] == 18
    assert found["conditions"]["radiation"] == "neutron"
    assert found["conditions"]["rmax"] == pytest.approx(20, abs=0.1)
    assert found["coverage"] == 0.95


def test_openapi_describes_body_options_and_response(client):
    operation = client.get("/openapi.json").json()["paths"]["/api/predict"]["post"]
    assert "application/octet-stream" in operation["requestBody"]["content"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == set(RequestOptions.model_fields)
    assert all(parameter["description"] for parameter in operation["parameters"])
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        # no text: the problem
        (b"", "empty"),
        (b"\x00\x01\x02" * 500, "text"),
        (b"\x1f\x8b broken", "gzip"),
        # no curve: the number of columns, rows or the offending value
        ("\n".join(map(str, G)).encode(), "column"),
        (columns(R, np.full(R.size, np.nan)).encode(), "1425"),
        (columns(R[::-1], G).encode(), "r "),
        (columns(R[:75], G[:75]).encode(), "2.98"),
        (columns(R, 0 * R).encode(), "G(r)"),
        (b"<html><script>alert(1)</script></html>", "table"),
    ],
)
def test_an_invalid_file_gives_one_line(client, content, fact):
    reply = client.post("/api/predict", content=content)
    assert reply.status_code == 422
    assert fact in reply.json()["detail"]
    assert "\n" not in reply.json()["detail"]


@pytest.mark.parametrize(
    ("query", "name", "fact"),
    [
        ("qmax=abc", "qmax", "number"),
        ("qmax=nan", "qmax", "finite"),
        ("qmax=100", "qmax", "40"),
        ("qmin=10&qmax=5", "qmax", "5"),
        ("number_density=0", "number_density", "0"),
        ("coverage=0.5", "coverage", "0.95"),
        ("radiation=gamma", "radiation", "neutron"),
        ("composition=Qq2", "composition", "Qq"),
        ("quantity=I(Q)", "quantity", "Keen G(r)"),
        ("r_unit=mm", "r_unit", "pm"),
        ("composition=" + 300 * "H", "composition", "200"),
        ("reliability=perhaps", "reliability", "boolean"),
        ("qmx=20", "qmx", "qmax"),
    ],
)
def test_an_invalid_option_gives_one_line(client, query, name, fact):
    reply = client.post(f"/api/predict?{query}", content=RUTILE.encode())
    assert reply.status_code == 422
    detail = reply.json()["detail"]
    assert name in detail and fact in detail
    assert "\n" not in detail


def test_a_form_is_not_accepted(client):
    reply = client.post("/api/predict", files={"file": ("a.gr", RUTILE)})
    assert reply.status_code == 422
    assert "form" in reply.json()["detail"]


def test_the_name_of_a_file_can_state_its_quantity(client):
    reply = client.post("/api/predict?name=sample.fq", content=columns(R, G).encode())
    assert reply.status_code == 422
    detail = reply.json()["detail"]
    assert detail.startswith("sample.fq: ") and "F(Q)" in detail


def test_a_file_that_is_too_large_is_not_read(client):
    content = b"1.5 0.1\n" * (web.MAX_UPLOAD // 8 + 1)
    assert client.post("/api/predict", content=content).status_code == 413

    async def send():
        async def pieces():
            for _ in range(web.MAX_UPLOAD // 2**16 + 2):
                yield b"1.5 0.1\n" * 2**13

        async with async_client(client.app) as sender:
            return await sender.post("/api/predict", content=pieces())

    reply = run(send)
    assert reply.status_code == 413
    assert "4 MiB" in reply.json()["detail"]


def run(call):
    """Return the result of a coroutine, in a thread: the browser tests have a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(call())).result()


def async_client(app):
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def test_a_file_that_does_not_arrive_in_time_gives_408(client, monkeypatch):
    monkeypatch.setattr(web, "RECEIVE_SECONDS", 0.05)

    async def send():
        async def pieces():
            yield b"1.5 0.1\n"
            await asyncio.sleep(30)

        async with async_client(client.app) as sender:
            return await sender.post("/api/predict", content=pieces())

    assert run(send).status_code == 408


def test_too_many_waiting_requests_give_503(client, monkeypatch):
    monkeypatch.setattr(web, "MAX_WAITING", 0)
    reply = client.post("/api/predict", content=RUTILE.encode())
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert client.post("/api/predict", content=RUTILE.encode()).status_code == 200


def test_examples_state_their_conditions(client):
    names = client.get("/api/examples").json()
    assert len(names) == 4
    for name in names:
        text = client.get(f"/api/examples/{name}").text
        found = client.post(
            "/api/predict?reliability=false", content=text.encode()
        ).json()
        assert found["notes"] == []
        assert f"# qmax = {found['conditions']['qmax']}" in text
    assert client.get("/api/examples/../app.py").status_code == 404
    unknown = client.get("/api/examples/none")
    assert unknown.status_code == 404 and "none" in unknown.json()["detail"]


def test_the_page_loads_nothing_else(client):
    reply = client.get("/")
    assert reply.text == PAGE
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert "unsafe" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    links = re.findall(r'(?:src|href)="([^"]*)"', PAGE)
    assert links and all(link.startswith(("/", "#", "data:")) for link in links)


def test_the_model_is_described(client):
    about = client.get("/api/model").json()
    assert (about["name"], about["library"], about["composition"]) == ("tiny", 16, True)


def test_only_loopback_names_are_accepted_by_default(model):
    elsewhere = {"host": "evil.example"}
    with TestClient(make_app(model, "tiny"), base_url="http://localhost") as client:
        assert client.get("/api/model").status_code == 200
        assert client.get("/api/model", headers=elsewhere).status_code == 400
    with TestClient(make_app(model, "tiny", any_host=True)) as client:
        assert client.get("/api/model", headers=elsewhere).status_code == 200


def test_broken_files_never_break_the_server(client):
    draw = random.Random(0)
    texts = [text.encode() for text in EXAMPLES.values()]
    for _ in range(300):
        content = bytearray(draw.choice(texts))
        for _ in range(draw.randint(1, 20)):
            start = draw.randrange(len(content) + 1)
            piece = draw.choice(
                [
                    draw.randbytes(draw.randint(0, 40)), b"\n", b"nan", b"1e400",
                    b"\x00", b"-", b"\xff\xfe", b"qmax = 0\n", content[: start // 2],
                ]
            )  # fmt: skip
            content[start : start + draw.choice([0, 1, 50])] = piece
        reply = client.post("/api/predict?reliability=false", content=bytes(content))
        assert reply.status_code in (200, 413, 422), bytes(content)
