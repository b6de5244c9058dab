"""Check that no hostile file crashes, hangs or fills the memory through a loader.

    python experiments/fuzz_files.py 100000 [SEED]

Mutate small files of all kinds that gromega reads, most with a manifest made anew as by
an attacker, and load each. A loader may return, or raise ValueError or OSError. Print
the numbers of inputs, refusals and findings by kind, and fail if there is a finding.
"""

import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gromega import load_library, load_model, read_pdf, simulate
from gromega._util.manifest import write_manifest
from gromega.conditions import REFERENCE, Box, Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import crystals_of, read_table, to_table, write_table
from gromega.lake.store import (
    create_variable,
    new_store,
    open_store,
    read_array,
    sign_store,
    write_coordinate,
)
from gromega.model.io import save_model
from gromega.model.library_io import write_library
from gromega.model.matches import make_library
from gromega.model.model import Model
from gromega.networks.build import make_network
from gromega.networks.weights import to_arrays
from gromega.params import read_params
from gromega.pdf.spectrum import make_spectra
from gromega.registry.card import read_card

LONGEST = 20  # s for one input
MOST = 2**30  # bytes of memory in addition
NUMBERS = (
    b"0",
    b"-1",
    b"1e308",
    b"NaN",
    b"99999999999999",
    b"null",
    b"[]",
    b"{}",
    b'""',
)
EDGES = (0, 1, 2**15 - 1, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one to three mutations."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        way = rng.randrange(8)
        if way < 2 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif way == 2:
            del data[at : at + rng.choice((1, 4, 100))]
        elif way == 3:
            data[at:at] = data[at : at + rng.choice((1, 8, 200))] * rng.choice(
                (1, 2, 50)
            )
        elif way == 4:
            size = rng.choice((2, 4, 8))
            data[at : at + size] = (rng.choice(EDGES) % 2 ** (8 * size)).to_bytes(
                size, "little"
            )
        elif way == 5:
            digits = [i for i, byte in enumerate(data) if 48 <= byte <= 57]
            if digits:
                at = rng.choice(digits)
                data[at : at + 1] = rng.choice(NUMBERS)
        elif way == 6:
            data = data[:at]
        else:
            data[at:at] = rng.choice(
                (b"[" * 20000, b"{", b"&a [*a,*a]", b"\xff", b"\n")
            )
    return bytes(data)


def make_files(folder: Path) -> None:
    """Write one small thing of each kind."""
    cubic = [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]
    crystals = [
        Crystal(name, cubic, [55, 17], [[0, 0, 0], [0.5, 0.5, 0.5]])
        for name in ("one", "two", "three")
    ]
    write_table(to_table(crystals, [221] * 3), folder / "table.parquet")
    spectra = {name: make_spectra(crystals, name) for name in ("xray", "neutron")}
    names = np.array([crystal.id for crystal in crystals])
    density = np.array([crystal.density for crystal in crystals])
    formulas = [crystal.formula for crystal in crystals]
    library = make_library(names, formulas, np.array([221] * 3), density, spectra)
    write_library(folder / "library.parquet", library)
    with new_store(folder / "store.zarr", {"radiation": "xray"}) as group:
        write_coordinate(group, "crystal", names)
        array = create_variable(group, "g", ("crystal", "r"), (3, 9), {})
        array[...] = np.ones((3, 9), np.float32)
    shape = {"name": "small", "widths": (4, 8), "dropout": 0.1}
    network = make_network({**shape, "name": "residual"}, 3, 0)
    groups = np.array([194, 221, 225])
    architecture = {**shape, "name": "residual"}
    model = Model(to_arrays(network), groups, architecture, REFERENCE, {}, Box())
    save_model(folder / "model", model)
    r, g = simulate(crystals[:1], Conditions(rmax=12.0))
    rows = "".join(f"{x:.4f} {y:.5f}\n" for x, y in zip(r, g[0], strict=True))
    (folder / "pdf.gr").write_text(f"[DEFAULT]\nqmax = 23\n#### start data\n{rows}")
    (folder / "params.yaml").write_text(yaml.safe_dump({"train": {"epochs": 3}}))
    (folder / "card").mkdir()
    card = Path("models/spacegroup/card.json")
    (folder / "card" / "card.json").write_bytes(card.read_bytes())


def load_store(path: Path) -> None:
    """Read all arrays of a store."""
    store = open_store(path)
    for name in store.array_keys():
        read_array(store, name)


LOADERS: dict[str, tuple[str, Any]] = {
    "table.parquet": ("", lambda path: crystals_of(read_table(path))),
    "library.parquet": ("", load_library),
    "store.zarr": ("zarr.json g/zarr.json crystal/zarr.json g/c/0/0 crystal/c/0 "
                   "manifest.json", load_store),
    "model": ("config.json weights.safetensors manifest.json",
              lambda path: load_model(path).log_probabilities(
                  np.ones((1, 209), np.float32))),
    "pdf.gr": ("", read_pdf),
    "params.yaml": ("", read_params),
    "card": ("card.json", read_card),
}  # fmt: skip
"""The files to mutate and the loader, by what is loaded."""


def attack(folder: Path, kind: str, seed: int) -> str:
    """Load one mutated input, and return "returned", "refused" or a finding."""
    rng = random.Random(seed)
    names, loader = LOADERS[kind]
    file = folder / kind / rng.choice(names.split()) if names else folder / kind
    before = file.read_bytes()
    manifest = folder / kind / "manifest.json"
    signed = manifest.read_bytes() if manifest.is_file() else b""
    try:
        file.write_bytes(mutate(before, rng))
        if signed and file != manifest and rng.random() < 0.8:
            (sign_store if kind == "store.zarr" else write_manifest)(folder / kind)
        loader(folder / kind)
    except (ValueError, OSError):
        return "refused"
    except BaseException:
        last = traceback.format_exc().strip().splitlines()
        return f"crash: {last[-1][:100]} at {last[-3].strip()[-80:]}"
    finally:
        file.write_bytes(before)
        if signed:
            manifest.write_bytes(signed)
    return "returned"


def work(kind: str, seeds: range, results: Any) -> None:
    """Load inputs one after another, and send what happened."""

    def too_long(*_: object) -> None:
        raise TimeoutError("hang")

    signal.signal(signal.SIGALRM, too_long)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder)
        attack(folder, kind, 0)
        for seed in seeds:
            results.send((seed, "begins"))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            begin = time.monotonic()
            signal.alarm(LONGEST)
            outcome = attack(folder, kind, seed)
            signal.alarm(0)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
            if time.monotonic() - begin > LONGEST:
                outcome = "hang"
            elif 1024 * grown > MOST:
                outcome = f"over-allocation of {grown / 2**20:.1f} GiB"
            results.send((seed, outcome))
    results.send((-1, "end"))


def fuzz(kind: str, n: int, seed: int) -> Counter[str]:
    """Return the number of inputs by outcome; the process may be killed meanwhile."""
    outcomes: Counter[str] = Counter()
    context = multiprocessing.get_context("spawn")
    start, stop = seed, seed + n
    while start < stop:
        receive, send = context.Pipe(False)
        process = context.Process(target=work, args=(kind, range(start, stop), send))
        process.start()
        send.close()
        last = start
        try:
            while True:
                at, outcome = receive.recv()
                if outcome == "end":
                    return outcomes
                last = at
                if outcome != "begins":
                    outcomes[outcome] += 1
                    if outcome not in ("returned", "refused"):
                        print(f"{kind}, seed {at}: {outcome}", flush=True)
        except EOFError:
            process.join()
            outcomes["killed"] += 1
            print(f"{kind}, seed {last}: killed, status {process.exitcode}", flush=True)
            start = last + 1
    return outcomes


def main() -> None:
    """Fuzz all kinds of files."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    n, seed = int(sys.argv[1]), int((sys.argv[2:] or ["1"])[0])
    findings = 0
    for kind in sys.argv[3:] or LOADERS:
        outcomes = fuzz(kind, n // len(sys.argv[3:] or LOADERS), seed)
        wrong = outcomes.total() - outcomes["returned"] - outcomes["refused"]
        counts = f"{outcomes['returned']} returned, {outcomes['refused']} refused"
        print(f"{kind}: {counts}, {wrong} findings", flush=True)
        findings += wrong
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
