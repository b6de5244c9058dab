"""What a remote of DVC holds: every object is there, and its MD5 is right."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from gromega.registry.verify import Finding


def verify_remotes(names: Sequence[str] = ()) -> Iterator[Finding]:
    """Read all objects of the outs of this project from some remotes.

    Without a name, these are the default remote and those of the outs.

    Raises
    ------
    ValueError
        If there is no such remote.
    OSError
        If a remote cannot be reached.
    """
    from dvc.config import RemoteNotFoundError
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            outs = [out for out in repo.index.outs if out.use_cache and out.hash_info]
            for name in names or [""]:
                # Outs that name no remote are in the default one, or wherever they
                # were pushed with dvc push -r.
                other = name and name not in {out.remote for out in outs}
                rest = name if other else repo.config["core"].get("remote")
                for out in outs:
                    own = out.remote or rest
                    if own and own == (name or own):
                        odb = repo.cloud.get_remote_odb(own)
                        yield _verify_out(odb, str(out), out.hash_info.value, own)
    except (RemoteNotFoundError, NotDvcRepoError) as error:
        raise ValueError(f"{error}; see 'dvc remote list'.") from None


def _verify_out(odb: Any, path: str, oid: str, remote: str) -> Finding:
    kind = f"in the remote {remote}"
    states = {oid: _read(odb, oid, remote)}
    listed = states[oid]
    if isinstance(listed, list):
        states = {each: _read(odb, each, remote) for each in listed}
    wrong = []
    for state in ("missing", "damaged"):
        if found := [each for each, its in states.items() if its == state]:
            wrong.append(f"{len(found)} {state}, such as {found[0]}")
    if not wrong:
        return Finding(path, kind)
    return Finding(path, kind, f"{kind}, of {len(states)} objects {'; '.join(wrong)}")


def _read(odb: Any, oid: str, remote: str) -> str | list[str]:
    """Return the objects of one that lists a folder, or its state; empty if right."""
    is_list, found, text = oid.endswith(".dir"), hashlib.md5(), b""
    try:
        with odb.fs.open(odb.oid_to_path(oid), "rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
                text += block if is_list else b""
    except FileNotFoundError as error:
        cause = error.__cause__
        # For a web server that cannot be reached, fsspec raises this error too.
        if odb.fs.protocol.startswith("http") and getattr(cause, "status", 0) != 404:
            raise OSError(f"the remote {remote} cannot be read: {cause}") from None
        return "missing"
    except Exception as error:
        # The errors of botocore and aiohttp share no class.
        raise OSError(f"the remote {remote} cannot be read: {error}") from None
    if found.hexdigest() != oid.removesuffix(".dir"):
        return "damaged"
    return [entry["md5"] for entry in json.loads(text)] if is_list else ""
