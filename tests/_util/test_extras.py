import re
import tomllib

import pytest

from gromega._util.extras import EXTRAS, explain_missing

NAMES = {"orbax": "orbax-checkpoint", "sklearn": "scikit-learn", "yaml": "pyyaml"}


def test_extras_are_those_of_the_project(request):
    path = request.config.rootpath / "pyproject.toml"
    declared = tomllib.loads(path.read_text())["project"]["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        packages = {re.split(r"[^\w-]", each)[0] for each in declared[extra]}
        for module in modules:
            assert NAMES.get(module, module) in packages, (extra, module)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("zarr", "lake"),
        ("jax.numpy", "train"),
        ("fastapi", "web"),
        ("numba", "simulate"),
    ],
)
def test_a_missing_package_is_one_line_that_names_its_extra(module, extra):
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    said = explain_missing(error)
    assert f"pip install 'gromega[{extra}]'" in said
    assert module.split(".")[0] in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "error",
    [
        # a package of no extra, a name that a package lacks, an error of our own
        ModuleNotFoundError("No module named 'diffpy'", name="diffpy"),
        ImportError("cannot import name 'open' from 'zarr'", name="zarr"),
        ImportError("install diffpy.srreal from conda-forge."),
    ],
)
def test_other_import_errors_keep_their_message(error):
    assert explain_missing(error) == str(error)
