"""Structures of OPTIMADE made for tests, and a small server of them on loopback."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

FCC = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]


def attributes(a=5.64, elements=("Na", "Cl"), **changes):
    """Return the attributes of a rock salt with a cubic cell edge in Å."""
    made = {
        "lattice_vectors": [[a * x for x in row] for row in FCC],
        "cartesian_site_positions": [[0, 0, 0], [a / 2, a / 2, a / 2]],
        "species_at_sites": list(elements),
        "species": [species(symbol) for symbol in elements],
        "nsites": 2,
        "nperiodic_dimensions": 3,
        "dimension_types": [1, 1, 1],
        "structure_features": [],
        "assemblies": None,
        "chemical_formula_reduced": "".join(sorted(elements)),
        "space_group_it_number": 225,
        "last_modified": "2024-05-06T07:08:09Z",
    }
    return {**made, **changes}


def species(*symbols, name=None, concentration=None, **more):
    """Return a species of one or several elements, in equal shares by default."""
    return {
        "name": name or symbols[0],
        "chemical_symbols": list(symbols),
        "concentration": concentration or [1 / len(symbols)] * len(symbols),
        **more,
    }


def entry(name, *args, **changes):
    """Return an entry, see `attributes`."""
    return {
        "id": name,
        "type": "structures",
        "attributes": attributes(*args, **changes),
    }


def salts(n):
    """Return n entries of rock salts, none of which is like another."""
    return [entry(f"salt-{k}", 4.0 * 1.03**k) for k in range(n)]


INFO = {
    "data": {
        "id": "/",
        "type": "info",
        "attributes": {"api_version": "1.2.0", "available_licenses": ["CC-BY-4.0"]},
    },
    "meta": {"api_version": "1.2.0", "provider": {"prefix": "tst", "name": "Test"}},
}


class Server(ThreadingHTTPServer):
    """A server of structures, which fails as its attributes say.

    `failures` has the status and the headers by the number of a request for a page,
    from 1. `cut_at` is the number of one whose response ends in the middle. `asked`
    lists the requests.
    """

    def __init__(self, entries, page=2):
        super().__init__(("127.0.0.1", 0), Handler)
        self.entries, self.page = entries, page
        self.failures, self.cut_at, self.asked, self.pages = {}, 0, [], 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        parts = urlsplit(self.path)
        if parts.path == "/v1/info":
            return self.reply(200, INFO)
        if parts.path == "/v1/info/structures":
            properties = {key: {} for key in attributes()}
            return self.reply(200, {"data": {"properties": properties}})
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path != "/v1/structures":
            return self.reply(404, {"errors": [{"detail": "no such page"}]})
        server.pages += 1
        if server.pages in server.failures:
            return self.reply(*server.failures[server.pages])
        if query.get("filter", "").startswith("bad"):
            detail = "Unable to parse filter bad"
            return self.reply(400, {"errors": [{"detail": detail}]})
        start = int(query.get("page_offset", 0))
        following = {**query, "page_offset": start + server.page}
        link = f"{server.url}/v1/structures?{urlencode(following)}"
        more = start + server.page < len(server.entries)
        content = {
            "data": server.entries[start : start + server.page],
            "meta": {"data_returned": len(server.entries), "time_stamp": "now"},
            "links": {"next": link if more else None},
        }
        return self.reply(200, content)

    def reply(self, status, content, headers=None):
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.pages and self.server.pages == self.server.cut_at
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True

    def log_message(self, *args):
        pass


@contextmanager
def serving(entries, page=2):
    """Serve entries on loopback until the block ends."""
    server = Server(entries, page)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}
    )
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
