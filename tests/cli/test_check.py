import importlib.metadata
import sys

import numpy as np
from typer.testing import CliRunner

import gromega
from gromega.cli.main import app
from gromega.lake.store import new_store

runner = CliRunner()


def test_verify_counts_the_values_of_complete_stores(tmp_path):
    with new_store(tmp_path / "a.zarr", {}) as group:
        group.create_array("g", data=np.ones(5), dimension_names=("r",))
    result = runner.invoke(app, ["verify", str(tmp_path / "a.zarr")])
    assert result.exit_code == 0
    assert result.stdout.split()[-2:] == ["5", "values"]


def test_doctor_prints_versions_and_engines():
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0
    facts = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert facts["zarr"] == importlib.metadata.version("zarr")
    assert facts["gromega"] == gromega.__version__
    assert int(facts["cores"]) >= 1
    assert facts["engines"].startswith("native")


def test_doctor_works_without_the_extras(monkeypatch):
    def version(name):
        if name != "gromega":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr("importlib.metadata.version", version)
    monkeypatch.setitem(sys.modules, "jax", None)
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == 0
    facts = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert facts["zarr"] == "not installed"
    assert "gromega[train]" in facts["devices"]
