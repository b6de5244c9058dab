"""The Materials Project: entries in the form that its interface documents."""

import json

import httpx2 as httpx
import pytest

from gromega.crystals.ingest.providers.client import Client
from gromega.crystals.ingest.providers.download import download
from gromega.crystals.ingest.providers.materials_project import (
    KEY,
    functions,
    headers,
    read_page,
)
from gromega.crystals.ingest.validate import IngestOptions, examine


def test_the_key_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv(KEY, " abc\n")
    assert headers() == {"X-API-KEY": "abc"}


@pytest.mark.parametrize("key", [None, "", " ", "schlüssel"])
def test_without_a_key_the_message_says_how_to_give_one(monkeypatch, key):
    monkeypatch.delenv(KEY, raising=False)
    if key is not None:
        monkeypatch.setenv(KEY, key)
    with pytest.raises(ValueError, match=KEY):
        headers()


@pytest.fixture
def recorded(request):
    path = request.config.rootpath / "tests" / "data" / "materials_project.json"
    return json.loads(path.read_text())


class Interface:
    """The summary interface with some entries, three per page."""

    def __init__(self, content, page=3):
        self.content, self.page, self.asked = content, page, []

    def __call__(self, request):
        assert request.headers["X-API-KEY"] == "abc"
        self.asked.append(dict(request.url.params))
        start = int(request.url.params["_skip"])
        data = self.content["data"][start : start + self.page]
        return httpx.Response(200, json={**self.content, "data": data})


def fetch(tmp_path, interface, **query):
    transport = httpx.MockTransport(interface)
    with Client({"X-API-KEY": "abc"}, transport=transport) as client:
        path = tmp_path / "download.jsonl"
        received = download(path, {}, *functions(client, query))
        assert b"abc" not in path.read_bytes()
        return list(received.entries())


def test_entries_are_read_page_by_page(tmp_path, recorded):
    interface = Interface(recorded)
    entries = fetch(tmp_path, interface, nelements_max="3")
    assert [each["id"] for each in entries] == [
        each["material_id"] for each in recorded["data"]
    ]
    assert [asked["_skip"] for asked in interface.asked] == ["0", "3"]
    first = interface.asked[0]
    assert (first["nelements_max"], first["deprecated"]) == ("3", "false")
    assert (first["_limit"], first["_sort_fields"]) == ("1000", "material_id")


def test_theoretical_licence_date_and_group_are_kept(tmp_path, recorded):
    salt, gnome, *_ = fetch(tmp_path, Interface(recorded))
    assert salt["observed"] is True
    assert salt["licence"] == "CC-BY-4.0"
    assert salt["url"] == "https://materialsproject.org/materials/mp-22862"
    assert salt["last_modified"] == "2024-11-14T21:04:55.123000Z"
    assert salt["space_group"] == 225
    assert (gnome["observed"], gnome["licence"]) == (False, "CC-BY-NC-4.0")


def test_structures_are_examined_as_those_of_files(tmp_path, recorded):
    records = [
        examine(each, IngestOptions()) for each in fetch(tmp_path, Interface(recorded))
    ]
    salt, gnome, alloy, partial, damaged = records
    assert (salt["formula"], salt["structure_type"]) == ("ClNa", "AB_225_a_b")
    assert salt["observed"] is True
    assert (gnome["formula"], gnome["space_group"]) == ("ClCs", 221)
    assert alloy["occupancy"] == [0.25, 0.75]
    assert partial["occupancy"] == [0.5]
    assert damaged["reason"] == "no atoms"


def page(content, status=200):
    def respond(request):
        return httpx.Response(status, json=content)

    with Client({"X-API-KEY": "abc"}, transport=httpx.MockTransport(respond)) as client:
        find, _ = functions(client, {})
        database = find()
        return read_page(client, database, database.first)


@pytest.mark.parametrize(
    ("status", "named"), [(401, KEY), (403, KEY), (400, "--query"), (422, "--query")]
)
def test_a_refusal_names_what_to_correct(status, named):
    with pytest.raises(ValueError, match=f"wrong.*{named}"):
        page({"detail": "wrong"}, status)


@pytest.mark.parametrize(
    "content",
    [
        {"data": []},
        {"data": [], "meta": {}},
        {"data": 7, "meta": {"total_doc": 1}},
        {"data": [{"material_id": 7}], "meta": {"total_doc": 1}},
        # nobody says whether it is known from experiment
        {"data": [{"material_id": "mp-1"}], "meta": {"total_doc": 1}},
    ],
)
def test_a_page_of_something_else_is_an_error(content):
    with pytest.raises(ValueError, match="materialsproject"):
        page(content)
