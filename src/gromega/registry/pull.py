"""Models from a registry at an address: the files of its DVC remote, checked by hash.

A registry is a clone of a project, or the same files behind an address: ``models``
with ``NAME.dvc``, and ``models/registry`` with what DVC pushed there.
"""

import hashlib
import json
import os
import urllib.request
from pathlib import Path, PurePosixPath

import yaml

from gromega._util.files import new_path, write_whole
from gromega.model.io import model_folders
from gromega.registry.registry import check_name, verify_folder

ADDRESS = "GROMEGA_REGISTRY"
"""The environment variable with the address of the registry."""
LIMIT = 64_000_000
TIMEOUT = 30.0  # s, without a byte


def pull_model(name: str, address: str = "", version: str = "") -> Path:
    """Copy a released model to the user's models, verified, and return its folder.

    Parameters
    ----------
    name
        The name of the model.
    address
        The folder or the http(s) address of a project; ``{version}`` in it stands for
        the version. By default that of the environment variable `ADDRESS`.
    version
        The version, such as ``v1.8.1``; that of the registry if left out.

    Raises
    ------
    OSError
        If the registry or one of its files cannot be reached.
    ValueError
        If a file is damaged, or the registry has another version.
    """
    check_name(name)
    address = address or os.environ.get(ADDRESS, "")
    if not address:
        raise ValueError(f"give the address of a registry: --from, or set {ADDRESS}.")
    base = address.replace("{version}", version).rstrip("/") + "/models/"
    try:
        out = yaml.safe_load(_read(f"{base}{name}.dvc"))["outs"][0]
        files = json.loads(_read_object(base, str(out["md5"])))
        wanted = {str(file["relpath"]): str(file["md5"]) for file in files}
    except (ValueError, KeyError, TypeError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{base}{name}.dvc: damaged ({error}).") from None
    path = model_folders()[-1] / name
    with new_path(path) as folder:
        folder.mkdir()
        for relative, md5 in wanted.items():
            if PurePosixPath(relative).name != relative:
                raise ValueError(f"{base}{name}.dvc: the file name {relative!r}.")
            write_whole(folder / relative, _read_object(base, md5))
        found = verify_folder(folder)["version"]
        if version and found != version:
            raise ValueError(f"{address} has {name} {found}, not {version}.")
    return path


def _read_object(base: str, md5: str) -> bytes:
    content = _read(f"{base}registry/files/md5/{md5[:2]}/{md5[2:]}")
    if hashlib.md5(content).hexdigest() != md5.removesuffix(".dir"):
        raise ValueError(f"the object {md5} is damaged")
    return content


def _read(address: str) -> bytes:
    """Return a file of at most `LIMIT` bytes."""
    try:
        if not address.startswith(("http://", "https://")):
            with Path(address).open("rb") as file:
                content = file.read(LIMIT + 1)
        else:
            with urllib.request.urlopen(address, timeout=TIMEOUT) as response:
                content = response.read(LIMIT + 1)
    except OSError as error:
        reason = getattr(error, "reason", error.strerror)
        raise OSError(f"{address}: {reason}.") from None
    if len(content) > LIMIT:
        raise ValueError(f"{address}: more than {LIMIT / 1e6:g} MB.")
    return bytes(content)
