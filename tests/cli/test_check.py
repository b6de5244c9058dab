import importlib.metadata
import sys

import numpy as np
from typer.testing import CliRunner

import gromega
from gromega.cli.main import app
from gromega.lake.store import new_store

runner = CliRunner()


def test_verify_has_a_line_for_each_thing_and_status_1_if_one_is_wrong(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with new_store(tmp_path / "a.zarr", {}) as group:
        group.create_array("g", data=np.ones(5), dimension_names=("r",))
    whole, both = (runner.invoke(app, ["verify", *a]) for a in (["."], ["a.zarr", "x"]))
    assert (whole.exit_code, whole.stdout) == (0, "a.zarr: store, intact\n")
    assert both.exit_code == 1
    assert [line.split(": ")[0] for line in both.stdout.splitlines()] == ["a.zarr", "x"]


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
