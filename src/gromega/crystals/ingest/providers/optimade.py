"""Structures from a database that implements OPTIMADE.

An address, or the name of a provider in the list of the OPTIMADE consortium, leads to a
database; `links.next` leads from page to page.
"""

import re
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from gromega.crystals.ingest.providers.client import (
    Client,
    RequestRefusedError,
    one_line,
)
from gromega.crystals.ingest.providers.download import Database, Entry, Find, Page, Read
from gromega.crystals.io.optimade import FIELDS, REQUIRED

PROVIDERS = (
    "https://providers.optimade.org/v1/links",
    "https://raw.githubusercontent.com/Materials-Consortia/providers/master/src/links"
    "/v1/providers.json",
)
"""The addresses of the list of providers, of which the first that responds is used."""
_LIMIT = "page_limit"
PAGE = 100
"""The number of entries to ask for per page. Many servers allow no more."""
# Their structures are measured. Most other databases are computed.
_EXPERIMENTAL = {"cod"}
_FIELDS = (*FIELDS, "last_modified", "space_group_it_number")
_VERSION = re.compile(r"/v\d+(\.\d+)*$")
# The longest time in s to wait between two pages if the database asks for it.
_LONGEST_DELAY = 60.0
# A link may lead to an index of databases, which lead no further.
_DEPTH = 3


def functions(
    client: Client, given: str, filter: str = "", observed: bool | None = None
) -> tuple[Find, Read]:
    """Return the functions that `download` needs, see `find_database`."""
    find = partial(find_database, client, given, filter, observed)
    return find, partial(read_page, client)


def find_database(
    client: Client, given: str, filter: str = "", observed: bool | None = None
) -> Database:
    """Find a database, and what it says of itself.

    Parameters
    ----------
    given
        The address of a database, with or without the version, or the name of a
        provider: ``cod``. If it has several databases, theirs follows: ``aiida/sssp``.
    filter
        The filter of OPTIMADE, such as ``nelements=2``, or an empty text for all.
    observed
        Whether its crystals are known from experiment. The default is that those of
        the Crystallography Open Database are.

    Raises
    ------
    OSError
        If a server cannot be reached.
    ValueError
        If the provider or its database is not known, or a response is not OPTIMADE.
    """
    if given.startswith(("http://", "https://")):
        base = _database_at(client, given, "", given)
    else:
        base = _database_of(client, given)
    info = client.get(f"{base}/info")
    about, meta = _attributes(info.get("data")), _dict(info.get("meta"))
    prefix = str(_dict(meta.get("provider")).get("prefix") or "")
    name = _dict(meta.get("database")).get("id") or prefix or base
    fields = ",".join(_known_fields(client, base))
    query = {"filter": filter, "response_fields": fields, _LIMIT: str(PAGE)}
    query = {key: value for key, value in query.items() if value}
    if observed is None:
        observed = prefix in _EXPERIMENTAL
    return Database(
        name=one_line(name),
        base=base,
        first=f"{base}/structures?{urlencode(query, quote_via=quote)}",
        licence=_licence(about),
        api_version=one_line(meta.get("api_version") or ""),
        observed=observed,
    )


def read_page(client: Client, database: Database, address: str) -> Page:
    """Read a page of structures. Raise ValueError if it is not one."""
    try:
        content = _get_page(client, address)
    except RequestRefusedError as error:
        raise ValueError(f"{error}; check --filter.") from None
    data = content.get("data")
    if not isinstance(data, list) or not all(_is_entry(each) for each in data):
        raise ValueError(f"{address}: not a page of structures of OPTIMADE.")
    meta = _dict(content.get("meta"))
    total, delay = meta.get("data_returned"), meta.get("request_delay")
    following = _next(content, address)
    if following and isinstance(delay, int | float) and delay > 0:
        client.sleep(min(delay, _LONGEST_DELAY))
    return Page(
        [_entry(each, database) for each in data],
        following,
        total if isinstance(total, int) and not isinstance(total, bool) else None,
    )


def _entry(data: dict[str, Any], database: Database) -> Entry:
    attributes = _attributes(data)
    own = _dict(data.get("links")).get("self")
    group = attributes.get("space_group_it_number")
    name = one_line(data["id"])
    return {
        "id": name,
        "url": _href(own) or f"{database.base}/structures/{quote(name)}",
        "licence": database.licence,
        "last_modified": one_line(attributes.get("last_modified") or ""),
        "observed": database.observed,
        # Programs write P1 for cells with all atoms.
        "space_group": group if isinstance(group, int) and 1 < group <= 230 else 0,
        "structure": {field: attributes.get(field) for field in FIELDS},
    }


def _get_page(client: Client, address: str) -> dict[str, Any]:
    """Return a page, which is as large as the server allows."""
    try:
        return client.get(address)
    except RequestRefusedError as error:
        without = re.sub(rf"[?&]{_LIMIT}={PAGE}$", "", address)
        # The specification has this status for a limit that is too high.
        if error.status != 403 or without == address:
            raise
    return client.get(without)


def _known_fields(client: Client, base: str) -> list[str]:
    """Return the properties to ask for, of those that the database has.

    Servers refuse unknown ones. Without a complete list, they choose the properties.
    """
    try:
        properties = _dict(client.get(f"{base}/info/structures").get("data"))
    except RequestRefusedError:
        return []
    known = _dict(properties.get("properties"))
    if not known.keys() >= set(REQUIRED):
        return []
    return [field for field in _FIELDS if field in known]


def _database_of(client: Client, name: str) -> str:
    """Return the address of the database of a provider."""
    provider, _, child = name.partition("/")
    problem: OSError | ValueError = OSError()
    for address in PROVIDERS:
        try:
            links = _links(client.get(address))
            break
        except (OSError, ValueError) as error:
            problem = problem if str(problem) else error
    else:
        raise OSError(f"the list of OPTIMADE providers cannot be read: {problem}")
    known = {key: base for key, base, _ in links if base}
    if provider not in known:
        names = ", ".join(sorted(known))
        raise ValueError(
            f"{provider!r} is no OPTIMADE provider with a database; give one of "
            f"{names}, or the address of a database."
        )
    return _database_at(client, known[provider], child, provider)


def _database_at(
    client: Client, address: str, child: str, name: str, depth: int = 0
) -> str:
    """Return the address with its version of a database, or of that of an index."""
    base = address.rstrip("/")
    base = base if _VERSION.search(base) else f"{base}/v1"
    try:
        info = _attributes(client.get(f"{base}/info").get("data"))
    except RequestRefusedError as error:
        raise ValueError(f"{base} is no database of OPTIMADE: {error}.") from None
    if not info.get("is_index"):
        if child:
            raise ValueError(f"{name} has one database; give its name alone.")
        return base
    found = _links(client.get(f"{base}/links"))
    children = {key: at for key, at, kind in found if at and kind == "child"}
    if child not in children and (child or len(children) != 1):
        names = ", ".join(f"{name}/{key}" for key in sorted(children)) or "none"
        raise ValueError(f"{name} has several databases or none: give one of {names}.")
    if depth >= _DEPTH:
        raise ValueError(f"{base}: an index that leads to itself.")
    at = children[child] if child else next(iter(children.values()))
    return _database_at(client, at, "", name, depth + 1)


def _links(content: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the id, the address and the type of each link of a response."""
    data = content.get("data")
    if not isinstance(data, list):
        raise ValueError("a response is not a list of links of OPTIMADE.")
    return [
        (
            one_line(_dict(link).get("id") or ""),
            _href(_attributes(link).get("base_url")),
            str(_attributes(link).get("link_type") or ""),
        )
        for link in data
    ]


def _licence(about: dict[str, Any]) -> str:
    """Return the licences that a database states: SPDX identifiers, or an address."""
    for field in ("available_licenses", "available_licenses_for_entries"):
        names = about.get(field)
        if isinstance(names, list) and names:
            return one_line(" OR ".join(str(name) for name in names))
    return _href(about.get("license"))


def _next(content: dict[str, Any], address: str) -> str:
    link = _href(_dict(content.get("links")).get("next"))
    return urljoin(address, link) if link else ""


def _href(link: Any) -> str:
    """Return the address of a link of JSON:API: a text, or an object with ``href``."""
    link = link.get("href") if isinstance(link, dict) else link
    return one_line(link) if isinstance(link, str) else ""


def _is_entry(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("id"), str)


def _attributes(data: Any) -> dict[str, Any]:
    return _dict(_dict(data).get("attributes"))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
