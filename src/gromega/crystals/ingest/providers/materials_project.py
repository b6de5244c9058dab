"""Structures from the interface of the Materials Project, in the order of their ids.

The client mp-api is not used: it brings 65 packages (pymatgen, boto3, deltalake), gives
up after a failure that its few retries do not mend, and cannot resume. The interface
itself is one address with `_skip` and `_limit`.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from gromega.crystals.ingest.providers.client import (
    Client,
    RequestRefusedError,
    one_line,
)
from gromega.crystals.ingest.providers.download import Database, Entry, Find, Page, Read

ENDPOINT = "https://api.materialsproject.org"
KEY = "MP_API_KEY"
"""The environment variable with the key of the user."""
PAGE = 1000
"""The number of entries per page, the most that the interface allows."""
_PATH = "/materials/summary/"
_FIELDS = (
    "material_id", "structure", "symmetry", "theoretical", "last_updated",
    "builder_meta",
)  # fmt: skip
# Of all but entries that state another, at https://materialsproject.org/about/terms.
_LICENCE = "CC-BY-4.0"
_LICENCES = {"BY-C": _LICENCE, "BY-NC": "CC-BY-NC-4.0"}
_VACANCY = "vacancy"


def headers() -> dict[str, str]:
    """Return the headers with the key of the user. Raise ValueError without a key."""
    key = os.environ.get(KEY, "").strip()
    if not key:
        raise ValueError(
            f"{KEY} is not set; get a key at https://materialsproject.org/api and give "
            f"it with 'export {KEY}=...'."
        )
    if not (key.isascii() and key.isprintable()):
        raise ValueError(f"{KEY} has characters that no key has; copy it again.")
    return {"X-API-KEY": key}


def functions(client: Client, query: Mapping[str, str]) -> tuple[Find, Read]:
    """Return the functions that `download` needs.

    The query has parameters of the summary interface, such as ``nelements_max``.
    """
    return partial(_database, query), partial(read_page, client)


def _database(query: Mapping[str, str]) -> Database:
    asked = {
        "deprecated": "false",
        **query,
        "_fields": ",".join(_FIELDS),
        "_sort_fields": "material_id",
        "_limit": str(PAGE),
        "_skip": "0",
    }
    base = f"{ENDPOINT}{_PATH}"
    first = f"{base}?{urlencode(asked, quote_via=quote)}"
    return Database("mp", base, first, _LICENCE)


def read_page(client: Client, database: Database, address: str) -> Page:
    """Read a page of entries. Raise ValueError if it is refused, or damaged."""
    try:
        content = client.get(address)
    except RequestRefusedError as error:
        if error.status in (401, 403):
            raise ValueError(f"{error}; check the key in {KEY}.") from None
        raise ValueError(f"{error}; check --query.") from None
    data, meta = content.get("data"), content.get("meta")
    total = meta.get("total_doc") if isinstance(meta, dict) else None
    if not isinstance(data, list) or not all(_is_entry(each) for each in data):
        raise ValueError(f"{address}: not a page of the Materials Project.")
    if not isinstance(total, int):
        raise ValueError(f"{address}: the number of entries (total_doc) is missing.")
    asked = dict(parse_qsl(urlsplit(address).query))
    done = int(asked["_skip"]) + len(data)
    following = ""
    if data and done < total:
        asked["_skip"] = str(done)
        following = f"{database.base}?{urlencode(asked, quote_via=quote)}"
    return Page([_entry(each, database) for each in data], following, total)


def _is_entry(data: Any) -> bool:
    known = isinstance(data, dict) and isinstance(data.get("material_id"), str)
    # Without it, nobody can say whether the crystal is known from experiment.
    return known and isinstance(data.get("theoretical"), bool)


def _entry(data: dict[str, Any], database: Database) -> Entry:
    symmetry, built = data.get("symmetry"), data.get("builder_meta")
    group = symmetry.get("number") if isinstance(symmetry, dict) else None
    licence = built.get("license") if isinstance(built, dict) else None
    modified = data.get("last_updated")
    if isinstance(modified, dict):
        modified = modified.get("$date")  # as MongoDB writes it
    name = one_line(data["material_id"])
    return {
        "id": name,
        "url": f"https://materialsproject.org/materials/{quote(name)}",
        "licence": _LICENCES.get(str(licence), database.licence),
        "last_modified": one_line(modified or ""),
        "observed": not data["theoretical"],
        "space_group": group if isinstance(group, int) and 1 < group <= 230 else 0,
        "structure": _attributes(data.get("structure")),
    }


def _attributes(structure: Any) -> dict[str, Any]:
    """Return a structure of pymatgen as that of OPTIMADE, or {} if it is damaged."""
    try:
        lattice = [[float(x) for x in row] for row in structure["lattice"]["matrix"]]
        periodic = structure["lattice"].get("pbc") or [True, True, True]
        contents = [_content(site["species"]) for site in structure["sites"]]
        positions = [_cartesian(site["abc"], lattice) for site in structure["sites"]]
        return {
            "dimension_types": [int(axis) for axis in periodic],
            "lattice_vectors": lattice,
            "cartesian_site_positions": positions,
            "species_at_sites": [_name(content) for content in contents],
            "species": [_species(content) for content in dict.fromkeys(contents)],
        }
    except (TypeError, ValueError, KeyError, AttributeError):
        return {}


Content = tuple[tuple[str, float], ...]


def _content(species: Sequence[Mapping[str, Any]]) -> Content:
    """Return the elements of a site and their occupancies."""
    return tuple((str(each["element"]), float(each["occu"])) for each in species)


def _name(content: Content) -> str:
    return " ".join(f"{element}{occupancy!r}" for element, occupancy in content)


def _species(content: Content) -> dict[str, Any]:
    """Return a species of OPTIMADE, whose concentrations add up to 1."""
    symbols, shares = [list(values) for values in zip(*content, strict=True)]
    rest = 1.0 - sum(shares)
    if rest > 1e-8:
        symbols, shares = [*symbols, _VACANCY], [*shares, rest]
    return {
        "name": _name(content), "chemical_symbols": symbols, "concentration": shares
    }  # fmt: skip


def _cartesian(frac: Sequence[float], lattice: list[list[float]]) -> list[float]:
    columns = zip(*lattice, strict=True)
    return [sum(x * y for x, y in zip(frac, c, strict=True)) for c in columns]
