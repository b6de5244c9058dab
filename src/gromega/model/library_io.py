"""The library of known crystals as a parquet file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet

from gromega._util.files import new_path
from gromega.model.matches import FACTOR, LEVELS, LIBRARY, N_COARSE, Library
from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.pdf.bins import BIN_WIDTH

FORMAT = "gromega library 1"
# They have no types.
pa: Any = pyarrow
pq: Any = pyarrow.parquet


def write_library(path: Path, library: Library) -> None:
    """Write a library to a parquet file, whole or not at all."""
    columns = {
        "id": pa.array(library.ids),
        "formula": pa.array(library.formulas),
        "space_group": pa.array(library.space_groups.astype(np.int16)),
        "density": pa.array(library.density),
    }
    for name, quantized in library.spectra.items():
        flat = pa.array(quantized.roots.ravel())
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, N_COARSE)
        columns[f"{name}_largest"] = pa.array(quantized.largest)
    facts = {
        "format": FORMAT, "bin_width": FACTOR * BIN_WIDTH, "levels": LEVELS,
        "radiations": list(library.spectra), "sha256": _hash(library),
    }  # fmt: skip
    table = pa.table(columns).replace_schema_metadata({"gromega": json.dumps(facts)})
    with new_path(path) as partial:
        pq.write_table(
            table, partial, compression="zstd", compression_level=19,
            use_dictionary=False, write_page_checksum=True,
        )  # fmt: skip


def load_library(path: str | Path = LIBRARY) -> Library:
    """Return the library of a file, as `write_library` writes it.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is not a library.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no library of known crystals; get it with 'git "
            "restore models/library.parquet', or make one with 'dvc repro'."
        )
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        facts = json.loads((table.schema.metadata or {}).get(b"gromega", b"{}"))
        if facts.get("format") != FORMAT:
            raise ValueError(f"its format is {facts.get('format')!r}, not {FORMAT!r}")
        spectra = {}
        for name in facts["radiations"]:
            roots = table[name].combine_chunks().flatten().to_numpy()
            largest = table[f"{name}_largest"].to_numpy()
            roots = roots.reshape(-1, N_COARSE)
            spectra[name] = SqrtQuantized(roots, largest, facts["levels"])
        library = Library(
            tuple(table["id"].to_pylist()),
            tuple(table["formula"].to_pylist()),
            table["space_group"].to_numpy().astype(np.int64),
            table["density"].to_numpy(),
            spectra,
        )
        # The pages of Parquet have checksums, the names of columns and the facts none.
        if facts["sha256"] != _hash(library):
            raise ValueError("its SHA-256 is another one")
        return library
    except (
        pa.ArrowException, AttributeError, LookupError, OSError, RecursionError,
        TypeError, ValueError,
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: not a library of crystals ({error}).") from None


def _hash(library: Library) -> str:
    """Return the SHA-256 of the content of a library."""
    spectra = library.spectra
    most = {name: quantized.most for name, quantized in spectra.items()}
    total = hashlib.sha256(json.dumps([library.ids, library.formulas, most]).encode())
    total.update(library.space_groups.astype("<i8").tobytes())
    total.update(library.density.tobytes())
    for quantized in spectra.values():
        total.update(quantized.roots.tobytes())
        total.update(quantized.largest.tobytes())
    return total.hexdigest()
