import math
import subprocess
import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.conditions import REFERENCE
from gromega.params import Params, Sweeps, read_params
from gromega.sweeps import AXES, BEYOND, Sweep


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        return path

    return write_text


def test_the_defaults_are_those_of_the_project(request):
    params = read_params(request.config.rootpath / "params.yaml")
    assert params == Params()
    assert params.reference == REFERENCE
    assert params.sweep.sweeps() == [Sweep((axis,)) for axis in AXES.values()]


@pytest.mark.parametrize("text", ["", "train:\n", "reference: {}\n"])
def test_what_is_left_out_has_its_default(write, text):
    assert read_params(write(text)) == Params()


@settings(max_examples=25, deadline=None)
@given(
    section=st.sampled_from(["crystals", "split", "spectra", "train", "sweep"]),
    key=st.text("abcdefgh_", min_size=1, max_size=9),
)
def test_an_unknown_key_is_named(tmp_path_factory, section, key):
    path = tmp_path_factory.mktemp("params") / "params.yaml"
    path.write_text(yaml.safe_dump({section: {key: 1}}))
    with pytest.raises(ValueError, match=rf"params\.yaml: {section}\.{key} is unknown"):
        read_params(path)


@pytest.mark.parametrize(
    ("param", "names"),
    [
        ("all", list(AXES)),
        ("beyond", list(BEYOND)),
        ("rmax", ["rmax"]),
        (["uiso", "qmax"], ["uiso", "qmax"]),
        (["rmax", "all"], list(AXES)),
    ],
)
def test_sweep_names_all_one_or_several_axes(param, names):
    assert [sweep.name for sweep in Sweeps(param=param).sweeps()] == names


def test_a_map_is_swept_beside_the_axes():
    found = Sweeps(param="qmax", map=["rmax", "qdamp"]).sweeps()
    assert [sweep.name for sweep in found] == ["qmax", "rmax-qdamp"]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        # an unknown section or key: named with the known ones
        ("trian: {epochs: 3}", "trian", "train"),
        ("train: {epoch: 3}", "train.epoch", "epochs"),
        ("reference: {qmx: 3}", "reference", "'qmx'"),
        ("3: 4", "3", "train"),
        # a value of another type: shown as it is
        ("train: {epochs: many}", "train.epochs", "'many'"),
        ("train: {epochs: 2.5}", "train.epochs", "2.5"),
        ("crystals: {observed: 1}", "crystals.observed", "1"),
        ("crystals: {source: null}", "crystals.source", "None"),
        ("split: {seed: true}", "split.seed", "True"),
        # conditions that contradict one another, or are unknown
        ("reference: {qmax: 0.1}", "reference", "qmax 0.1"),
        ("reference: {radiation: beta}", "reference", "'beta'"),
        # a number out of range
        ("train: {epochs: 0}", "train.epochs", "0"),
        ("train: {rate: 0}", "train.rate", "0"),
        ("train: {rate: .nan}", "train.rate", "nan"),
        ("train: {seed: -1}", "train.seed", "-1"),
        ("train: {seed: 2147483648}", "train.seed", "2147483648"),
        ("split: {seed: -1}", "split.seed", "-1"),
        ("split: {test: 1.0}", "split.test", "1.0"),
        ("split: {validation: 0}", "split.validation", "0"),
        ("crystals: {groups: 0}", "crystals.groups", "0"),
        ("spectra: {dmax: .inf}", "spectra.dmax", "inf"),
        # an unknown name: the known ones are there
        ("split: {scheme: fair}", "split.scheme", "structure-type"),
        # no mapping
        ("reference: [qmax]", "reference", r"['qmax']"),
        ("train: 0", "train", "0"),
        ("[train]", "the file", "['train']"),
        # no YAML
        ("train: {", "params.yaml", "line 1"),
        # an axis or a map that is not there, or empty
        ("sweep: {param: rmx}", "sweep.param", "'rmx'"),
        ("sweep: {param: [[rmax]]}", "sweep.param", "['rmax']"),
        ("sweep: {param: []}", "sweep.param", "beyond"),
        ("sweep: {map: [rmax, rmax]}", "sweep.map", "rmax twice"),
        ("sweep: {map: [rmax, qmax, uiso]}", "sweep.map", "3"),
        ("sweep: {map: [rmax]}", "sweep.map", "1"),
        ("sweep: {map: [rmax, qdmp]}", "sweep.map", "'qdmp'"),
        ("sweep: {map: rmax}", "sweep.map", "'rmax'"),
        # a reference at which a point of a sweep is not allowed
        ("reference: {qmin: 13}", "sweep.param", "qmax 12"),
    ],
)
def test_an_error_names_key_and_value_in_one_line(write, text, key, value):
    with pytest.raises(ValueError, match=r"params\.yaml") as caught:
        read_params(write(text))
    message = str(caught.value)
    assert key in message
    assert value in message
    assert "\n" not in message


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"params\.yaml"):
        read_params(tmp_path / "params.yaml")


def test_the_command_line_starts_without_pydantic():
    code = "import sys, gromega.cli.main; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_axis_may_have_values_of_its_own(write):
    text = "sweep: {param: %s, map: [rmax, qmax], values: %s}\n"
    rmax, both = read_params(write(text % ("rmax", "[20, 10]"))).sweep.sweeps()
    assert rmax.axes[0].values == (10.0, 20.0)
    assert both.axes == (rmax.axes[0], AXES["qmax"])
    diameter, _ = read_params(write(text % ("diameter", "[null, 30]"))).sweep.sweeps()
    assert diameter.axes[0].values == (30.0, math.inf)


@pytest.mark.parametrize(
    ("param", "values", "message"),
    [
        ("rmax", "[10, ten]", "sweep: .*'ten'"),
        ("rmax", "[10, 501]", "sweep: .*501"),
        ("rmax", "[10, 10.0]", "sweep: .*rmax"),
        ("rmax", "10", "sweep.values .*10"),
        ("all", "[10]", "sweep: .*'all'"),
        ("[rmax, qmax]", "[10]", "sweep: .*'qmax'"),
        # below rmin
        ("rmax", "[1.0]", "sweep.param: rmax"),
    ],
)
def test_values_that_are_not_allowed_are_named(write, param, values, message):
    with pytest.raises(ValueError, match=message):
        read_params(write(f"sweep: {{param: {param}, values: {values}}}\n"))
