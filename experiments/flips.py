"""Check that no flipped byte and no lost file of a workspace is taken for right.

    python experiments/flips.py RUN 1000 [SEED]

RUN is a folder in which the pipeline was run. Flip a random byte of a random file that
DVC tracks, then lose each file of every store. For each, look at the loader and at
`gromega verify`. The loader must refuse, or return what it returned before.
"""

import hashlib
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gromega import load_library, load_model
from gromega.crystals.table import read_table
from gromega.lake.splits import PARTS, read_part
from gromega.lake.store import open_store, read_array
from gromega.registry.registry import read_card
from gromega.registry.tracked import tracked_files
from gromega.registry.verify import _kind, verify_paths


def thing_of(path: Path) -> Path:
    """Return the store or the model that a file belongs to, or the file itself."""
    inside = [parent for parent in path.parents if _kind(parent)]
    return inside[-1] if inside else path


def load(thing: Path) -> str:
    """Return a hash of all that the loader of a thing returns."""
    found = hashlib.sha256()
    kind = _kind(thing)
    if kind == "store":
        store = open_store(thing)
        found.update(repr(sorted(store.attrs.items())).encode())
        for name in sorted(store.array_keys()):
            found.update(repr(read_array(store, name).tolist()).encode())
    elif kind == "model":
        model = load_model(thing)
        found.update(repr((model.architecture, model.training, model.box)).encode())
        for name, array in sorted(model.weights.items()):
            found.update(name.encode() + np.asarray(array).tobytes())
        if any((thing / name).is_file() for name in ("card.json", "CARD.md")):
            found.update(repr(read_card(thing)).encode())
    elif kind == "table":
        try:
            schema = pq.read_schema(thing)
        except pa.ArrowException as error:
            raise ValueError(f"{thing}: {error}") from None
        if b"gromega" in (schema.metadata or {}):
            library: Any = load_library(thing)
            found.update(repr((library.ids, library.formulas)).encode())
            for each in library.spectra.values():
                found.update(each.roots.tobytes() + each.largest.tobytes())
        elif "lattice" in schema.names:
            found.update(repr(read_table(thing).to_pylist()).encode())
        elif "part" in schema.names:
            for part in PARTS:
                ids, groups = read_part(thing, part)
                found.update(repr((ids.tolist(), groups.tolist())).encode())
        else:
            rows = pq.read_table(thing, page_checksum_verification=True)
            found.update(repr(rows.to_pylist()).encode())
    return found.hexdigest()


def outcome(thing: Path, before: str) -> tuple[str, bool]:
    """Return what the loader does, and whether verify finds a problem."""
    try:
        loaded = "harmless" if load(thing) == before else "SILENT"
    except (ValueError, OSError):
        loaded = "refused"
    if _kind(thing) == "file":
        loaded = "no loader"
    tracked = [p for p in tracked_files() if p == thing or p in thing.parents]
    return loaded, any(finding.problem for finding in verify_paths(tracked[:1]))


def main() -> None:
    """Flip bytes, then lose files."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    os.chdir(sys.argv[1])
    rng = random.Random(int((sys.argv[3:] or ["0"])[0]))
    files = [
        file
        for out in tracked_files()
        for file in ([out] if out.is_file() else sorted(out.rglob("*")))
        if file.is_file() and file.stat().st_size
    ]
    things = {file: thing_of(file) for file in files}
    before = {thing: load(thing) for thing in set(things.values())}
    counts: Counter[tuple[str, str, bool]] = Counter()
    silent = 0
    for _ in range(int(sys.argv[2])):
        # each kind of file as often as any other
        suffix = rng.choice(sorted({file.suffix for file in files}))
        file = rng.choice([file for file in files if file.suffix == suffix])
        thing, content = things[file], file.read_bytes()
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        replace(file, bytes(damaged))
        loaded, verified = outcome(thing, before[thing])
        replace(file, content)
        counts[suffix or "chunk", loaded, verified] += 1
        if loaded == "SILENT" or not verified:
            silent += 1
            print(f"{file}: {loaded}, verify finds it: {verified}", flush=True)
    for file, thing in things.items():
        if _kind(thing) in ("store", "model"):
            content = file.read_bytes()
            file.unlink()
            loaded, verified = outcome(thing, before[thing])
            replace(file, content)
            counts["lost file of a " + _kind(thing), loaded, verified] += 1
            if loaded == "SILENT" or not verified:
                silent += 1
                print(f"{file} lost: {loaded}, verify finds it: {verified}", flush=True)
    for (kind, loaded, verified), n in sorted(counts.items()):
        print(f"{kind:20} {loaded:10} verify finds it: {verified!s:5} {n:6}")
    print(f"{counts.total()} damages, {silent} taken for right")
    sys.exit(bool(silent))


def replace(file: Path, content: bytes) -> None:
    """Write a file anew: the old one may be a link to the cache of DVC."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)


if __name__ == "__main__":
    main()
