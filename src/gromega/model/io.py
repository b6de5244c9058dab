"""Models on disk: weights.safetensors with the arrays, config.json with the rest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from gromega._util.files import new_path, read_json, sha256, write_json, write_whole
from gromega._util.manifest import MANIFEST, check_manifest, write_manifest
from gromega.conditions import Box, Conditions
from gromega.model.calibration import Calibration
from gromega.model.cell_size import CellSizes
from gromega.model.model import Model
from gromega.model.neighbours import Neighbours
from gromega.model.reliability import LEVELS, TestCrystals
from gromega.model.sqrt_quantize import SqrtQuantized
from gromega.networks.quantize import (
    pack_halves,
    pack_names,
    unpack_halves,
    unpack_names,
)
from gromega.pdf.network_grid import INPUT_R

FORMAT = "gromega model 4"
MODELS = Path("models")
"""The models of the project that one stands in."""
MODEL_FILES = ("weights.safetensors", "config.json")
INPUT = {"rmin": 1.5, "rstep": "pi/23", "points": INPUT_R.size}
_FORMAT_1 = "gromega model 1"
# Format 2, of v1.9 and v2.0, has no sizes of cells; format 3, of v2.1.0, no log-odds
# for the mixture of known and new structure types.
_OLDER = ("gromega model 2", "gromega model 3")
_CELL_SIZES = "cell_sizes/"
_ROOTS, _LARGEST = "test_crystals/roots/", "test_crystals/largest/"

Arrays = Mapping[str, NDArray[Any]]


def save_model(path: Path, model: Model) -> None:
    """Write a model to a folder, whole or not at all."""
    arrays = dict(model.weights)
    config = {
        "format": FORMAT,
        "network": model.architecture,
        "space_groups": model.space_groups.tolist(),
        "input": INPUT,
        "conditions": model.conditions.to_mapping(),
        "training": model.training,
    }
    if model.box:
        config["box"] = model.box.to_mapping()
    for name in ("calibration", "calibration_with_composition"):
        if calibration := getattr(model, name):
            config[name] = calibration.to_mapping()
    if model.neighbours:
        arrays |= _neighbour_arrays(model.neighbours)
        config["neighbours"] = model.neighbours.to_mapping()
    if model.cell_sizes:
        arrays |= _cell_size_arrays(model.cell_sizes)
    if model.test_crystals:
        arrays |= _test_crystal_arrays(model.test_crystals)
    # safetensors writes the memory of an array as it is, whatever its strides.
    rows = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # Its save_file makes a file that other users cannot read.
    with new_path(path) as folder:
        write_whole(folder / "weights.safetensors", save(rows))
        write_json(folder / "config.json", config)
        write_manifest(folder)


def model_folders() -> tuple[Path, ...]:
    """Return the folders of models: the project's, the package's and the user's."""
    package = Path(__file__).parents[1] / "models"
    return MODELS, package, user_cache_path("gromega") / "models"


def locate_model(model: str | Path) -> Path:
    """Return the folder of a model.

    It is the path itself or, of a name such as ``spacegroup`` or a path such as
    ``models/spacegroup`` that does not exist, the first of that name in
    `model_folders`.
    """
    path = Path(model)
    if not path.is_dir() and path.parent in (Path(), MODELS):
        for folder in model_folders():
            if (folder / path.name / "config.json").is_file():
                return folder / path.name
    return path


def hashes_of(path: Path) -> dict[str, str]:
    """Return the SHA-256 of the files in the folder of a model."""
    return {name: sha256(path / name) for name in MODEL_FILES}


def load_model(path: str | Path = "models/spacegroup", compiled: bool = False) -> Model:
    """Return the model of a folder.

    Parameters
    ----------
    path
        The folder, as `save_model` writes it, or a name, see `locate_model`; the
        released model by default.
    compiled
        Whether JAX computes the network, see `Ranker`: for many thousand PDFs, or on a
        GPU.

    Raises
    ------
    FileNotFoundError
        If the folder or one of its files does not exist.
    ValueError
        If a file is not valid.
    """
    path = locate_model(path)
    for name in reversed(MODEL_FILES):
        if not (path / name).is_file():
            raise FileNotFoundError(
                f"{path}: there is no {name}; train models/current with 'dvc repro', "
                "or get models/spacegroup, the released model, with 'git "
                "restore models/spacegroup' in a clone, or 'gromega models pull'."
            )
    try:
        config = read_json(path / "config.json")
        _check_hashes(path, config)
        arrays: Arrays = load_file(path / "weights.safetensors")
        if config.get("format") == _FORMAT_1:
            config, arrays = _upgrade_v1(config, arrays)
        return _model(config, arrays, compiled)
    except (
        ArithmeticError, AttributeError, LookupError, SafetensorError, TypeError,
        ValueError,
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: not a model, or damaged ({error}).") from None


def _check_hashes(path: Path, config: Mapping[str, Any]) -> None:
    """Raise ValueError unless the files of a model have the SHA-256 that it states."""
    if (path / MANIFEST).is_file() or config.get("format") != _FORMAT_1:
        check_manifest(path, MODEL_FILES)
    # Format 1 has no manifest; the hashes are in the card of a released model.
    elif (path / "card.json").is_file():
        stated = read_json(path / "card.json")["sha256"]
        for name, found in hashes_of(path).items():
            if stated[name] != found:
                raise ValueError(f"{name}: damaged; its SHA-256 is another one")


def _model(config: Mapping[str, Any], arrays: Arrays, compiled: bool) -> Model:
    """Return the model of a configuration and its arrays."""
    if config.get("format") not in (FORMAT, *_OLDER):
        raise ValueError(f"its format is {config.get('format')!r}, not {FORMAT!r}")
    if not isinstance(config["network"].get("name"), str):
        raise ValueError("its network has no name")
    if config["input"] != INPUT:
        raise ValueError(f"its input is {config['input']}, not {INPUT}")
    groups = np.array(config["space_groups"])
    neighbours = test_crystals = cell_sizes = None
    if "neighbours" in config:
        neighbours = _neighbours(arrays, groups.size, config["neighbours"])
    if "test_crystals/ids" in arrays:
        test_crystals = _test_crystals(arrays)
    if f"{_CELL_SIZES}atoms" in arrays:
        if arrays[f"{_CELL_SIZES}atoms"].size != config["network"].get("n_types"):
            raise ValueError("it has not one size of cells for each structure type")
        cell_sizes = CellSizes(
            arrays[f"{_CELL_SIZES}atoms"],
            unpack_names(arrays[f"{_CELL_SIZES}ratios"]),
            arrays[f"{_CELL_SIZES}element_volumes"],
            arrays[f"{_CELL_SIZES}volume_ratios"],
        )
    both = {
        name: Calibration.from_mapping(config[name])
        for name in ("calibration", "calibration_with_composition")
        if name in config
    }
    return Model(
        {
            name: array
            for name, array in arrays.items()
            if not name.startswith(("neighbours/", "test_crystals/", _CELL_SIZES))
        },
        groups,
        config["network"],
        Conditions.from_mapping(config["conditions"]),
        config["training"],
        Box.from_mapping(config["box"]) if "box" in config else None,
        neighbours=neighbours,
        test_crystals=test_crystals,
        cell_sizes=cell_sizes,
        compiled=compiled,
        **both,
    )


def _neighbour_arrays(neighbours: Neighbours) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "neighbours/components": neighbours.components,
        "neighbours/directions": pack_halves(neighbours.directions),
        "neighbours/steps": neighbours.steps,
        "neighbours/y": neighbours.y.astype(np.int16),
        "neighbours/names": pack_names(neighbours.names),
    }
    if neighbours.unlike is not None:
        arrays["neighbours/unlike"] = neighbours.unlike
    return arrays


def _neighbours(arrays: Arrays, n_groups: int, values: Mapping[str, Any]) -> Neighbours:
    steps = arrays["neighbours/steps"]
    both = values.get("with_composition")
    return Neighbours(
        arrays["neighbours/components"],
        unpack_halves(arrays["neighbours/directions"], steps.size),
        steps,
        arrays["neighbours/y"].astype(np.int64),
        unpack_names(arrays["neighbours/names"]),
        n_groups,
        values["spread"],
        values["weight"],
        both and (float(both[0]), float(both[1])),
        arrays.get("neighbours/unlike"),
    )


def _cell_size_arrays(sizes: CellSizes) -> dict[str, NDArray[Any]]:
    return {
        f"{_CELL_SIZES}atoms": sizes.atoms,
        f"{_CELL_SIZES}ratios": pack_names(sizes.ratios),
        f"{_CELL_SIZES}element_volumes": sizes.element_volumes,
        f"{_CELL_SIZES}volume_ratios": sizes.volume_ratios,
    }


def _test_crystal_arrays(crystals: TestCrystals) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        "test_crystals/ids": pack_names(crystals.ids),
        "test_crystals/y": crystals.y.astype(np.int16),
        "test_crystals/density": crystals.density,
    }
    if crystals.formulas:
        arrays["test_crystals/formulas"] = pack_names(crystals.formulas)
    if crystals.relatives is not None:
        arrays["test_crystals/relatives"] = crystals.relatives.astype(np.int32)
    for radiation, spectra in crystals.spectra.items():
        arrays[f"{_ROOTS}{radiation}"] = spectra.roots
        arrays[f"{_LARGEST}{radiation}"] = spectra.largest
    return arrays


def _test_crystals(arrays: Arrays) -> TestCrystals:
    names = [k.removeprefix(_ROOTS) for k in arrays if k.startswith(_ROOTS)]
    spectra = {
        name: SqrtQuantized(
            arrays[f"{_ROOTS}{name}"], arrays[f"{_LARGEST}{name}"], LEVELS
        )
        for name in names
    }
    formulas = arrays.get("test_crystals/formulas")
    relatives = arrays.get("test_crystals/relatives")
    return TestCrystals(
        unpack_names(arrays["test_crystals/ids"]),
        arrays["test_crystals/y"].astype(np.int64),
        arrays["test_crystals/density"],
        spectra,
        () if formulas is None else unpack_names(formulas),
        None if relatives is None else relatives.astype(np.int64),
    )


def _upgrade_v1(
    config: Mapping[str, Any], arrays: Arrays
) -> tuple[dict[str, Any], Arrays]:
    """Return configuration and arrays of format 1, v1.5 to v1.8, in the present one."""
    keys = {"memory": "neighbours", "with_composition": "calibration_with_composition"}
    config = {keys.get(key, key): value for key, value in config.items()}
    prefixes = {
        "memory/": "neighbours/",
        "held_out/levels/": "test_crystals/roots/",
        "held_out/": "test_crystals/",
    }

    renamed = {}
    for name, array in arrays.items():
        old = next(filter(name.startswith, prefixes), "")
        renamed[prefixes.get(old, "") + name.removeprefix(old)] = array
    return {**config, "format": FORMAT}, renamed
