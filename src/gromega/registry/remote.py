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
    kind, wrong = f"in the remote {remote}", []
    content, problem = _read(odb, oid)
    oids = [oid]
    if not problem and content is not None:
        oids = [entry["md5"] for entry in json.loads(content)]
        problems = [(each, _read(odb, each)[1]) for each in oids]
    else:
        problems = [(oid, problem)]
    for each, found in problems:
        if found:
            wrong.append(f"{found} {each}")
    if not wrong:
        return Finding(path, kind)
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return Finding(
        path, kind, f"{kind}, {len(wrong)} of {len(oids)} objects: {wrong[0]}{more}"
    )


def _read(odb: Any, oid: str) -> tuple[bytes | None, str]:
    """Return an object if it lists a folder, and whether it is missing or damaged."""
    found, kept = hashlib.md5(), b""
    try:
        with odb.fs.open(odb.oid_to_path(oid), "rb") as file:
            while block := file.read(1 << 20):
                found.update(block)
                kept = kept + block if oid.endswith(".dir") else b""
    except FileNotFoundError:
        return None, "missing"
    if found.hexdigest() != oid.removesuffix(".dir"):
        return None, "damaged"
    return (kept if oid.endswith(".dir") else None), ""
