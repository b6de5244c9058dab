"""OPTIMADE: how a database is found, and what is read of its pages."""

import httpx2 as httpx
import pytest
from optimade_entries import INFO, attributes, entry

from gromega.crystals.ingest.providers.client import Client
from gromega.crystals.ingest.providers.download import Database
from gromega.crystals.ingest.providers.optimade import (
    PROVIDERS,
    find_database,
    read_page,
)
from gromega.crystals.io.optimade import REQUIRED

DATABASE = Database("tst", "http://db.test/v1", "", "CC0-1.0")


def link(name, base, kind="child"):
    return {"id": name, "attributes": {"base_url": base, "link_type": kind}}


INDEX = {"data": {"attributes": {"is_index": True}}}
WEB = {
    PROVIDERS[0]: {
        "data": [
            link("tst", "http://index.test", "external"),
            link("two", {"href": "http://two.test/v1"}, "external"),
            link("loop", "http://loop.test", "external"),
            link("gone", None, "external"),
        ]
    },
    "http://index.test/v1/info": INDEX,
    "http://index.test/v1/links": {
        "data": [
            link("self", "http://index.test", "root"),
            link("db", "http://db.test/"),
        ]
    },
    "http://two.test/v1/info": INDEX,
    "http://two.test/v1/links": {
        "data": [link("a", "http://db.test/v1.2"), link("b", "http://b.test")]
    },
    "http://loop.test/v1/info": INDEX,
    "http://loop.test/v1/links": {"data": [link("x", "http://loop.test")]},
    "http://db.test/v1/info": INFO,
    "http://db.test/v1/info/structures": {
        "data": {"properties": {name: {} for name in (*REQUIRED, "_tst_energy")}}
    },
    "http://db.test/v1.2/info": {"data": {"attributes": {}}, "meta": None},
    "http://b.test/v1/info": {"errors": []},
}


def client(web, asked=None, waits=None):
    """Return a client of a web of addresses with contents; others are not found."""

    def respond(request):
        address = str(request.url)
        if asked is not None:
            asked.append(address)
        found = web.get(address, web.get(address.partition("?")[0], 404))
        if isinstance(found, int):
            return httpx.Response(found, json={"errors": [{"detail": "not here"}]})
        return httpx.Response(200, json=found)

    waits = [] if waits is None else waits
    return Client(sleep=waits.append, transport=httpx.MockTransport(respond))


def find(given, filter="", observed=None, web=WEB):
    with client(web) as open_client:
        return find_database(open_client, given, filter, observed)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://db.test", "http://db.test/v1"),
        ("http://db.test/v1/", "http://db.test/v1"),
        ("http://db.test/v1.2", "http://db.test/v1.2"),
        # a provider, and the address of its index
        ("tst", "http://db.test/v1"),
        ("tst/db", "http://db.test/v1"),
        ("http://index.test", "http://db.test/v1"),
        # one of several databases
        ("two/a", "http://db.test/v1.2"),
    ],
)
def test_an_address_or_a_provider_leads_to_a_database(given, base):
    assert find(given).base == base


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("nobody", "loop, tst, two"),
        # a provider without a database
        ("gone", "'gone'"),
        ("two", "two/a, two/b"),
        ("two/c", "two/a, two/b"),
        ("tst/other", "tst/db"),
        ("loop", "leads to itself"),
        ("http://nowhere.test", "http://nowhere.test/v1"),
        ("http://index.test/x", "HTTP 404"),
    ],
)
def test_what_leads_nowhere_is_named(given, named):
    with pytest.raises(ValueError, match=named):
        find(given)


def test_the_second_list_of_providers_stands_in_for_the_first():
    web = {**WEB, PROVIDERS[1]: WEB[PROVIDERS[0]], PROVIDERS[0]: 404}
    assert find("tst", web=web).base == "http://db.test/v1"
    with pytest.raises(OSError, match="providers"):
        find("tst", web={})


def test_a_database_says_what_it_is():
    found = find("tst", 'elements HAS "Si" AND nsites<9')
    assert (found.name, found.licence, found.api_version) == (
        "tst",
        "CC-BY-4.0",
        "1.2.0",
    )
    # properties that it does not have are not asked for
    assert found.first == (
        "http://db.test/v1/structures?filter=elements%20HAS%20%22Si%22%20AND%20nsites"
        "%3C9&response_fields=lattice_vectors%2Ccartesian_site_positions%2Cspecies%2C"
        "species_at_sites&page_limit=100"
    )


@pytest.mark.parametrize("content", [404, {}, {"data": {"properties": {"nsites": 1}}}])
def test_without_a_list_of_properties_the_database_chooses_them(content):
    web = {**WEB, "http://db.test/v1/info/structures": content}
    first = find("tst", web=web).first
    assert first == "http://db.test/v1/structures?page_limit=100"


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        ({"available_licenses": ["CC0-1.0", "MIT"]}, "CC0-1.0 OR MIT"),
        ({"available_licenses_for_entries": ["CC0-1.0"]}, "CC0-1.0"),
        ({"license": "http://l", "available_licenses": []}, "http://l"),
        ({"license": {"href": "http://l"}}, "http://l"),
        ({"license": None}, ""),
        ({}, ""),
    ],
)
def test_the_licence_is_what_the_database_states(about, licence):
    web = {**WEB, "http://db.test/v1/info": {"data": {"attributes": about}}}
    assert find("http://db.test", web=web).licence == licence


@pytest.mark.parametrize(
    ("prefix", "given", "observed"),
    [
        ("cod", None, True),
        (["cod"], None, False),
        ("mp", None, False),
        ("mp", True, True),
        ("cod", False, False),
    ],
)
def test_crystals_of_the_cod_are_observed_unless_given(prefix, given, observed):
    info = {"data": {}, "meta": {"provider": {"prefix": prefix}}}
    web = {**WEB, "http://db.test/v1/info": info}
    assert find("http://db.test", observed=given, web=web).observed is observed


def page(content, address="http://db.test/v1/structures?a=1"):
    with client({address.partition("?")[0]: content}) as open_client:
        return read_page(open_client, DATABASE, address)


def test_a_page_has_entries_a_total_and_a_next_one():
    own = {**entry("a/b", space_group_it_number=1), "links": {"self": "http://a"}}
    read = page(
        {
            "data": [entry("x"), own],
            "meta": {"data_returned": 7},
            "links": {"next": {"href": "structures?page=2"}},
        }
    )
    first, second = read.entries
    assert first == {
        "id": "x",
        "url": "http://db.test/v1/structures/x",
        "licence": "CC0-1.0",
        "last_modified": "2024-05-06T07:08:09Z",
        "observed": False,
        "space_group": 225,
        "structure": first["structure"],
    }
    assert first["structure"]["species"] == attributes()["species"]
    assert (second["url"], second["space_group"]) == ("http://a", 0)
    assert (read.total, read.next) == (7, "http://db.test/v1/structures?page=2")


def test_a_page_may_be_bare():
    read = page({"data": [{"id": "x"}]})
    assert (read.total, read.next) == (None, "")
    assert read.entries[0]["space_group"] == 0


@pytest.mark.parametrize(
    ("delay", "following", "waits"),
    [(2.5, "p2", [2.5]), (1e9, "p2", [60.0]), (2.5, None, []), (None, "p2", [])],
)
def test_the_delay_that_a_database_asks_for_is_kept(delay, following, waits):
    content = {
        "data": [entry("x")], "meta": {"request_delay": delay},
        "links": {"next": following},
    }  # fmt: skip
    found = []
    with client({"http://db.test/p": content}, waits=found) as open_client:
        read_page(open_client, DATABASE, "http://db.test/p")
    assert found == waits


@pytest.mark.parametrize(
    "content",
    [{}, {"data": {}}, {"data": [7]}, {"data": [{"id": 7}]}, {"data": [{}]}],
)
def test_a_page_of_something_else_is_an_error(content):
    with pytest.raises(ValueError, match=r"db\.test"):
        page(content)


@pytest.mark.parametrize(
    ("address", "again"),
    [("?a=1&page_limit=100", "?a=1"), ("?page_limit=100", "")],
)
def test_a_limit_that_is_too_high_is_left_out(address, again):
    asked = []
    base = "http://db.test/v1/structures"
    web = {f"{base}{address}": 403, f"{base}{again}": {"data": []}}
    with client(web, asked) as open_client:
        read = read_page(open_client, DATABASE, f"{base}{address}")
    assert read.entries == []
    assert len(asked) == 2


@pytest.mark.parametrize("status", [400, 403, 501])
def test_a_filter_that_is_refused_is_named(status):
    with pytest.raises(ValueError, match=f"HTTP {status}.*not here.*--filter"):
        page(status)
