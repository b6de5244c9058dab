import asyncio
import gzip
import io
import json
import random
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx2 as httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from gromega import read_pdf
from gromega.measured.quantities import FUNCTIONS
from gromega.web import app as web
from gromega.web import server
from gromega.web.app import EXAMPLES, PAGE, make_app
from gromega.web.schema import PredictionOut

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


def test_an_answer_is_that_of_the_model(client, model, library):
    pdf = read_pdf(io.StringIO(RUTILE))
    expected = model.predict(pdf, 0.9, True, True, library).to_mapping()
    reply = client.post("/api/predict?explain=true", content=RUTILE.encode())
    assert reply.status_code == 200
    assert reply.json() == json.loads(json.dumps(expected))
    PredictionOut.model_validate(reply.json())
    assert reply.json()["reliability"]["n"] > 0
    packed = client.post("/api/predict", content=gzip.compress(RUTILE.encode()))
    assert packed.json()["groups"] == reply.json()["groups"]
    assert packed.json()["importance"] is None


def test_a_composition_is_told_or_left_out(client):
    ask = "/api/predict?reliability=false&composition="
    told = client.post(ask + "TiO2", content=RUTILE.encode()).json()
    assert told["composition"] == "TiO2"
    left = client.post(ask + "unknown", content=RUTILE.encode()).json()
    assert left["composition"] is None
    assert left["groups"] != told["groups"]
    assert not any("composition" in text for text in left["notes"])


def test_options_are_those_of_read_pdf(client):
    ask = (
        "/api/predict?reliability=false&qmax=18&rmax=20&radiation=neutron&coverage=0.95"
    )
    found = client.post(ask, content=RUTILE.encode()).json()
    assert found["conditions"]["qmax"] == 18
    assert found["conditions"]["radiation"] == "neutron"
    assert found["conditions"]["rmax"] == pytest.approx(20, abs=0.1)
    assert found["coverage"] == 0.95
    described = client.get("/openapi.json").json()
    operation = described["paths"]["/api/predict"]["post"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names >= {"quantity", "r_unit", "composition", "number_density", "qmin"}
    assert "application/octet-stream" in operation["requestBody"]["content"]
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\x00\x01\x02" * 500, "it is not a text file"),
        (b"\x1f\x8b broken", "it is broken as a gzip file"),
        ("\n".join(map(str, G)).encode(), "it has one column of numbers"),
        (columns(R, np.full(R.size, np.nan)).encode(), "0 of its 1425 rows"),
        (columns(R[::-1], G).encode(), "r must increase"),
        (columns(R[:75], G[:75]).encode(), "r goes from 1.5 to 2.98 Å"),
        (columns(R, 0 * R).encode(), "is 0 everywhere"),
        (b"<html><script>alert(1)</script></html>", "it has no table"),
    ],
)
def test_a_bad_file_costs_one_clear_line(client, content, message):
    reply = client.post("/api/predict", content=content)
    assert reply.status_code == 422
    assert message in reply.json()["detail"]
    assert "\n" not in reply.json()["detail"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("qmax=abc", "qmax: "),
        ("qmax=nan", "qmax must"),
        ("qmax=100", "qmax must be below 40"),
        ("coverage=0.5", "coverage"),
        ("radiation=gamma", "radiation"),
        ("composition=Qq2", "composition"),
        ("quantity=F(Q)", "quantity must be one of"),
        ("composition=" + 300 * "H", "composition"),
        ("reliability=perhaps", "reliability: "),
        ("qmx=20", "there is no option 'qmx'; the options are name, coverage, rel"),
    ],
)
def test_a_bad_option_costs_one_clear_line(client, query, message):
    reply = client.post(f"/api/predict?{query}", content=RUTILE.encode())
    assert reply.status_code == 422
    assert isinstance(reply.json()["detail"], str)
    assert message in reply.json()["detail"]


def test_a_form_is_refused(client):
    reply = client.post("/api/predict", files={"file": ("a.gr", RUTILE)})
    assert reply.status_code == 422
    assert "send the file as the body" in reply.json()["detail"]


def test_the_name_of_a_file_tells_what_it_holds(client):
    reply = client.post("/api/predict?name=sample.fq", content=columns(R, G).encode())
    assert reply.status_code == 422
    assert reply.json()["detail"].startswith("sample.fq: it holds F(Q), not G(r)")


def test_too_large_a_file_is_not_read(client):
    content = b"1.5 0.1\n" * (web.MAX_UPLOAD // 8 + 1)
    assert client.post("/api/predict", content=content).status_code == 413

    async def send():
        async def pieces():
            for _ in range(web.MAX_UPLOAD // 2**16 + 2):
                yield b"1.5 0.1\n" * 2**13

        async with asking(client.app) as asked:
            return await asked.post("/api/predict", content=pieces())

    reply = run(send)
    assert reply.status_code == 413
    assert "a file may have 4 MiB" in reply.json()["detail"]


def run(call):
    """Return what a coroutine does, in a thread: the browser's tests have a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(call())).result()


def asking(app):
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def test_a_file_that_does_not_come_is_not_waited_for(client, monkeypatch):
    monkeypatch.setattr(web, "RECEIVE_SECONDS", 0.05)

    async def send():
        async def pieces():
            yield b"1.5 0.1\n"
            await asyncio.sleep(30)

        async with asking(client.app) as asked:
            return await asked.post("/api/predict", content=pieces())

    assert run(send).status_code == 408


def test_no_more_wait_than_there_is_room_for(client, monkeypatch):
    monkeypatch.setattr(web, "MAX_WAITING", 0)
    reply = client.post("/api/predict", content=RUTILE.encode())
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"
    monkeypatch.undo()
    assert client.post("/api/predict", content=RUTILE.encode()).status_code == 200


def test_examples_are_answered_with_their_conditions(client):
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
    assert client.get("/api/examples/none").json()["detail"].startswith("there is no")


def test_the_page_asks_for_nothing_from_elsewhere(client):
    reply = client.get("/")
    assert reply.text == PAGE
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    links = re.findall(r'(?:src|href)="([^"]*)"', PAGE)
    assert links and all(link.startswith(("/", "data:")) for link in links)
    offered = re.findall(r"<option>(\w+ ?\w*\(r\))", PAGE)
    assert offered == list(FUNCTIONS)
    about = client.get("/api/model").json()
    assert (about["library"], about["composition"]) == (16, True)


def test_other_names_of_this_machine_are_refused(model):
    elsewhere = {"host": "evil.example"}
    with TestClient(make_app(model, "tiny"), base_url="http://localhost") as client:
        assert client.get("/api/model").status_code == 200
        assert client.get("/api/model", headers=elsewhere).status_code == 400
    with TestClient(make_app(model, "tiny", any_host=True)) as client:
        assert client.get("/api/model", headers=elsewhere).status_code == 200


def test_what_is_sent_never_breaks_it(client):
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


def test_a_taken_port_costs_one_line(model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen at 127.0.0.1, port {port}"):
            server.serve(model, "tiny", None, "127.0.0.1", port)
