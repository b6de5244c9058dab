"""The description of the training data in the card of a released model."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from gromega._util.files import sha256
from gromega.lake.splits import PARTS, read_part

SYNTHETIC = {
    "name": "Synthetic crystals",
    "version": "of the recipe whose SHA-256 is below",
    "origin": "Generated at random by 'gromega synthesize', each confirmed by spglib.",
    "licence": "CC-BY-4.0",
    "citation": "gromega, see CITATION.cff",
}
DESCRIPTION = tuple(SYNTHETIC)
KNOWN_SOURCES = {
    "cd0fbe05377f4aff7395110831059bb2a576d59a3dfcba6592f31efb2fc3e8f2": {
        "name": "Materials Project",
        "version": "v2025.02.12",
        "origin": "Inorganic crystals relaxed by density functional theory, from three "
        "public repositories; space groups by spglib.",
        "licence": "CC-BY-4.0",
        "citation": "A. Jain et al., APL Materials 1, 011002 (2013), "
        "doi:10.1063/1.4812323",
    }
}
"""The descriptions of known sources of crystals, by the SHA-256 of the file."""


def describe_training_data(
    data: Path,
    source: Path,
    description: Path | None,
    n_train: int,
    hashes: dict[str, str],
) -> dict[str, Any]:
    """Return the block ``data`` of a card.

    Parameters
    ----------
    data
        The folder with crystals.parquet and split.parquet.
    source, description
        The source of the crystals, and its description (.yaml) unless it is known. A
        source that is neither, or not that of the crystals, raises ValueError.
    n_train
        The number of training crystals, with those beyond the training part.
    hashes
        The SHA-256 of the files of the training, by name.
    """
    crystals = data / "crystals.parquet"
    described = _describe_source(crystals, source, description)
    of_source = {source.name: sha256(source)} if source.is_file() else {}
    split = data / "split.parquet"
    facts = _columns(split, ["scheme", "seed"]).slice(0, 1).to_pylist()
    groups = {part: read_part(split, part)[1] for part in PARTS}
    types = _columns(crystals, ["structure_type"])
    return {
        **described,
        "split": facts[0],
        # Training crystals beyond the training part are augmentation crystals.
        "crystals": {
            **{part: int(of_part.size) for part, of_part in groups.items()},
            "augmentation": n_train - groups["train"].size,
        },
        "structure_types": len(types["structure_type"].unique()),
        "by_space_group": {
            str(number): {
                part: int(np.count_nonzero(of_part == number))
                for part, of_part in groups.items()
            }
            for number in np.unique(np.concatenate(list(groups.values())))
        },
        "sha256": {**of_source, **hashes},
    }


def _describe_source(
    crystals: Path, source: Path, description: Path | None
) -> dict[str, str]:
    """Return name, version, origin, licence and citation of the crystals."""
    if description:
        return _read_description(description)
    name, known = source.name, None
    if source.suffix == ".yaml":
        name, known = "synthetic", SYNTHETIC
    elif source.is_file():
        known = KNOWN_SOURCES.get(sha256(source))
    if not known:
        raise ValueError(
            f"{source}: the source of these crystals is unknown; describe it with "
            f"--about FILE.yaml, with the keys {', '.join(DESCRIPTION)}."
        )
    made_from = _columns(crystals, ["source"])["source"].unique()
    if name not in made_from.to_pylist():
        raise ValueError(
            f"{crystals}: the source of the crystals is not {source}; give their "
            "source with --source."
        )
    return known


def _read_description(path: Path) -> dict[str, str]:
    try:
        described = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML ({error}).") from None
    if not isinstance(described, dict) or set(described) != set(DESCRIPTION):
        keys = list(described) if isinstance(described, dict) else described
        raise ValueError(
            f"{path}: the keys must be {', '.join(DESCRIPTION)}, got {keys}."
        )
    return {key: str(described[key]) for key in DESCRIPTION}


def _columns(path: Path, names: list[str]) -> pa.Table:
    return pq.read_table(path, columns=names, page_checksum_verification=True)
