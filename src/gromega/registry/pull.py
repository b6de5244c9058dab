"""Models from an address: the files of a release, checked by hash.

A released model is plain files in the tree of its project, ``models/NAME``. The address
is that of a git repository, of an HTTP server with the files of a tree, or a folder. No
extra is needed.
"""

import hashlib
import http.client
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gromega._util.files import new_path, write_whole
from gromega._util.manifest import MANIFEST, check_manifest
from gromega._util.progress import console, download_bar
from gromega.model.io import load_model, model_folders
from gromega.registry.names import FORMAT_V1, card_hash, check_name

ADDRESS = "GROMEGA_REGISTRY"
"""The environment variable with the address to pull from."""
LIMIT = 64_000_000
TIMEOUT = 30.0  # s, without a byte
_GIT = re.compile(r"(git|ssh|file)://|[\w.-]+@[\w.-]+:|.*\.git/?$")


def pull_model(name: str, address: str = "", version: str = "") -> Path:
    """Copy a released model to the user's models, verified, and return its folder.

    Parameters
    ----------
    name
        The name of the model.
    address
        The folder, the http(s) address or the git address of a project; ``{version}``
        in it stands for the version. By default that of the environment variable
        `ADDRESS`.
    version
        The version, such as ``v1.8.1``; that of the project if left out. Of a git
        repository, it is the tag ``NAME@VERSION`` or, without tags, the last commit
        with this version of the model.

    Raises
    ------
    OSError
        If the project or one of the files cannot be reached.
    ValueError
        If a file is damaged, or the project has another version.
    """
    check_name(name)
    address = address or os.environ.get(ADDRESS, "")
    if not address:
        raise ValueError(f"give the address of a project: --from, or set {ADDRESS}.")
    address = address.replace("{version}", version)
    path = model_folders()[-1] / name
    with _tree(name, address, version) as tree, new_path(path) as folder:
        folder.mkdir()
        found = _copy(f"{tree}/models/{name}/", folder)
        if version and found != version:
            raise ValueError(f"{address} has {name} {found}, not {version}.")
        load_model(folder)
    return path


def _copy(base: str, folder: Path) -> str:
    """Copy the files that a card names, and return the version of the model."""
    content = _read(base + "card.json")
    try:
        card: dict[str, Any] = json.loads(content)
        hashes = {str(name): str(of) for name, of in card["sha256"].items()}
        version = str(card["version"])
        intact = hashes.pop("card.json") == card_hash(card)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        intact = False
    if not intact:
        raise ValueError(f"{base}card.json: damaged.")
    write_whole(folder / "card.json", content)
    for name, stated in hashes.items():
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"{base}card.json: the file name {name!r}.")
        content = _read(base + name)
        if hashlib.sha256(content).hexdigest() != stated:
            raise ValueError(f"{base}{name}: damaged; its SHA-256 is another one.")
        write_whole(folder / name, content)
    if card.get("format") != FORMAT_V1:
        write_whole(folder / MANIFEST, _read(base + MANIFEST))
        try:
            check_manifest(folder)
        except ValueError:  # all other files are those of the card
            raise ValueError(f"{base}{MANIFEST}: damaged.") from None
    return version


@contextmanager
def _tree(name: str, address: str, version: str) -> Iterator[str]:
    """Yield the address of the files of a project; git makes them in a folder."""
    if not _GIT.match(address):
        yield address.rstrip("/")
        return
    # Servers that cannot leave out files send the whole tree.
    options = ["--filter=blob:none", "--sparse"]
    tag = [f"--branch={name}@{version}"] if version else []
    with TemporaryDirectory() as folder:
        try:
            _git(address, "clone", "--depth=1", *options, *tag, "--", address, folder)
        except OSError:
            if not version:
                raise
            _git(address, "clone", *options, "--", address, folder)
            commit = _commit_with(name, version, address, folder)
            _git(address, "-C", folder, "checkout", "--quiet", commit)
        pattern = f"/models/{name}/"
        _git(address, "-C", folder, "sparse-checkout", "set", "--no-cone", pattern)
        yield folder


def _commit_with(name: str, version: str, address: str, folder: str) -> str:
    """Return the last commit of a clone that has this version of a model."""
    card = f"models/{name}/card.json"
    for commit in _git(address, "-C", folder, "log", "--format=%H", "--", card).split():
        try:
            content = _git(address, "-C", folder, "show", f"{commit}:{card}")
            found = json.loads(content)["version"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            continue  # it has no card, or a damaged one
        if found == version:
            return commit
    raise ValueError(
        f"{address} has {name} {version} neither as a tag nor in a commit."
    )


def _git(address: str, *arguments: str) -> str:
    """Return the output of git, which shows its progress on a terminal."""
    command = ["git", "-c", "advice.detachedHead=false", *arguments]
    stderr = None if console.is_terminal else subprocess.PIPE
    try:
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
    except FileNotFoundError:
        raise OSError(f"{address}: git is needed, but not installed.") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").split("fatal: ")[-1].split("\n")
        raise OSError(f"{address}: {lines[0] or 'git failed'}.") from None
    return done.stdout


def _read(address: str) -> bytes:
    """Return a file of at most `LIMIT` bytes."""
    content, expected = bytearray(), None
    name = address.rpartition("/")[2]
    try:
        with _open(address) as file:
            expected = getattr(file, "length", None)
            with download_bar(name, expected) as advance:
                while len(content) <= LIMIT and (block := file.read(1 << 18)):
                    content += block
                    advance(len(block))
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
        raise OSError(f"{address}: {reason or error}.") from None
    if len(content) > LIMIT:
        raise ValueError(f"{address}: more than {LIMIT / 1e6:g} MB.")
    if expected and len(content) < expected:
        raise OSError(f"{address}: {len(content)} of {expected} bytes were sent.")
    return bytes(content)


def _open(address: str) -> Any:
    if address.startswith(("http://", "https://")):
        return urllib.request.urlopen(address, timeout=TIMEOUT)
    return Path(address).open("rb")
