"""`gromega fetch` against a server on loopback, which fails and ends in the middle."""

import csv
import json
import sys

import httpx2 as httpx
import pytest
from optimade_entries import entry, salts, serving, species
from typer.testing import CliRunner

from gromega.cli import fetch
from gromega.cli.main import app, main
from gromega.crystals.ingest.providers.client import Client
from gromega.crystals.table import read_table
from gromega.pipeline.fetch import PROVENANCE

NAMES = ("x.parquet", "x-quarantine.csv", "x-provenance.csv", "x.json")


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Start one process to examine crystals instead of one per core."""
    monkeypatch.setattr("gromega._util.parallel.n_cores", lambda: 1)


@pytest.fixture
def server():
    entries = salts(7)
    entries[3] = entry("slab", dimension_types=[1, 1, 0])
    with serving(entries) as started:
        yield started


def run(server, folder, *arguments):
    """Run the command, and return the bytes of its files."""
    out = folder / "x.parquet"
    command = ["fetch", "optimade", server.url, "--out", str(out), *arguments]
    app(command, standalone_mode=False)
    return {name: (folder / name).read_bytes() for name in NAMES}


def stop(monkeypatch, capsys, *arguments):
    """Run the command with an error of the user, and return its last line."""
    monkeypatch.setattr("sys.argv", ["gromega", "fetch", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("gromega: ")
    return line


def test_a_fetch_writes_table_quarantine_provenance_and_summary(server, tmp_path):
    run(server, tmp_path, "--filter", "nelements=2", "--observed")
    table = read_table(tmp_path / "x.parquet")
    assert table["id"].to_pylist() == [f"salt-{k}" for k in (0, 1, 2, 4, 5, 6)]
    assert set(table["space_group"].to_pylist()) == {225}
    assert all(table["observed"].to_pylist())
    with (tmp_path / "x-quarantine.csv").open(newline="") as file:
        (refused,) = csv.DictReader(file)
    assert refused["block"] == "slab"
    assert refused["reason"] == "not periodic in three dimensions"
    with (tmp_path / "x-provenance.csv").open(newline="") as file:
        first, *rest = csv.DictReader(file)
    assert tuple(first) == PROVENANCE
    address = f"{server.url}/v1/structures/salt-0"
    assert list(first.values()) == [
        "salt-0", "tst", address, "CC-BY-4.0", "2024-05-06T07:08:09Z"
    ]  # fmt: skip
    assert len(rest) == 6
    assert table["source"][0].as_py() == address == first["url"]
    summary = json.loads((tmp_path / "x.json").read_text())
    assert summary["fetch"]["request"]["filter"] == "nelements=2"
    assert summary["fetch"]["licence"] == "CC-BY-4.0"
    assert summary["ingest"]["refused"] == {"not periodic in three dimensions": 1}
    assert "nelements%3D2" in server.asked[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [*NAMES, "x.svg", "x.png"]
    )


def test_a_failure_and_an_interruption_change_no_byte(
    server, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(fetch, "_client", lambda: Client(sleep=lambda seconds: None))
    # a server error, then a response that ends in the middle, then nothing more
    server.failures = {2: (503, {}, {"Retry-After": "0"}), 5: (500, {})}
    server.cut_at = 4
    out = tmp_path / "x.parquet"
    monkeypatch.setattr("gromega.crystals.ingest.providers.client.ATTEMPTS", 2)
    line = stop(monkeypatch, capsys, "optimade", server.url, "--out", out)
    assert "HTTP 500" in line
    assert not out.exists()
    assert (tmp_path / "x-download.jsonl").exists()
    asked = len(server.asked)
    found = run(server, tmp_path)
    assert len(server.asked) - asked == 2  # the pages that were not yet received
    assert not (tmp_path / "x-download.jsonl").exists()
    server.failures, server.cut_at = {}, 0
    (tmp_path / "whole").mkdir()
    assert found == run(server, tmp_path / "whole")


def test_an_interrupt_keeps_what_was_received(server, tmp_path, monkeypatch, capsys):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "_client", lambda: Client(sleep=interrupt))
    server.failures = {3: (503, {})}
    out = str(tmp_path / "x.parquet")
    monkeypatch.setattr("sys.argv", ["x", "fetch", "optimade", server.url, "-o", out])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert "x-download.jsonl" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["x-download.jsonl"]


def test_a_limit_ends_the_download(server, tmp_path):
    run(server, tmp_path, "--limit", "3")
    assert read_table(tmp_path / "x.parquet").num_rows == 3
    assert server.pages == 2


def test_bad_input_is_one_line(server, tmp_path, monkeypatch, capsys):
    out = tmp_path / "x.parquet"

    def line(*arguments):
        return stop(monkeypatch, capsys, "optimade", *arguments)

    refused = line(server.url, "--filter", "bad", "--out", out)
    assert "HTTP 400" in refused and "Unable to parse" in refused
    assert "--filter" in refused
    assert ".parquet" in line(server.url, "--out", tmp_path / "x.csv")
    server.entries = []
    assert "no such structure" in line(server.url, "--out", out)
    server.entries = [entry("x", species=[species("X", name="Na"), species("Cl")])]
    assert "no crystal was accepted" in line(server.url, "--out", out)
    assert "unknown element" in (tmp_path / "x-quarantine.csv").read_text()
    assert not out.exists()
    # what this leaves is replaced
    assert "no crystal was accepted" in line(server.url, "--out", out)
    (tmp_path / "y.json").write_text("mine")
    exists = line(server.url, "--out", tmp_path / "y.parquet")
    assert "y.json exists" in exists and "--force" in exists
    server.server_close()
    port = server.server_port
    assert f"127.0.0.1:{port} cannot be reached" in line(server.url, "--out", out)


def test_a_missing_extra_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    for name in list(sys.modules):
        if name.startswith("gromega.crystals.ingest.providers."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("MP_API_KEY", "abc")
    for arguments in (["optimade", "cod"], ["mp"]):
        out = tmp_path / "x.parquet"
        assert "gromega[fetch]" in stop(monkeypatch, capsys, *arguments, "--out", out)


def test_mp_stores_what_is_not_theoretical_as_observed(
    request, tmp_path, monkeypatch, capsys
):
    recorded = request.config.rootpath / "tests" / "data" / "materials_project.json"
    asked = []

    def respond(asking):
        asked.append(dict(asking.url.params))
        return httpx.Response(200, content=recorded.read_bytes())

    transport = httpx.MockTransport(respond)
    monkeypatch.setattr(fetch, "_client", lambda key: Client(key, transport=transport))
    out = tmp_path / "mp.parquet"
    monkeypatch.delenv("MP_API_KEY", raising=False)
    assert "MP_API_KEY" in stop(monkeypatch, capsys, "mp", "--out", out)
    monkeypatch.setenv("MP_API_KEY", "abc")
    command = ["fetch", "mp", "--query", "nelements_max=3", "--out", str(out)]
    result = CliRunner().invoke(app, [*command, "--observed-only"])
    assert result.exit_code == 0, result.output
    assert (asked[0]["theoretical"], asked[0]["nelements_max"]) == ("false", "3")
    table = read_table(out)
    assert table["id"].to_pylist()[:2] == ["mp-22862", "mp-3000001"]
    assert table["observed"].to_pylist() == [True, False, True, True]
    for text in ("nelements_max", "=3", "_skip=3"):
        line = stop(monkeypatch, capsys, "mp", "--query", text, "--out", out)
        assert "--query" in line
