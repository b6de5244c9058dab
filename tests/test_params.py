import pytest

from gromega.conditions import REFERENCE
from gromega.params import Params, Sweeps, read_params
from gromega.sweeps import AXES, BEYOND, Sweep


def write(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return path


def test_the_project_s_parameters_are_the_defaults_at_the_reference(request):
    params = read_params(request.config.rootpath / "params.yaml")
    assert params.reference == REFERENCE
    assert params == Params()
    assert params.sweep.sweeps() == [Sweep((axis,)) for axis in AXES.values()]


def test_silence_means_the_default(tmp_path):
    assert read_params(write(tmp_path, "")) == Params()
    assert read_params(write(tmp_path, "train:\n  epochs: 3\n")).train.epochs == 3


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
    assert [sweep.name for sweep in Sweeps(param).sweeps()] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # a section nobody reads: the known ones are named
        ("trian: {epochs: 3}", "a section is unknown: 'trian'; there are crystals, sp"),
        # a key nobody reads: likewise
        ("train: {epoch: 3}", "a key of train is unknown: 'epoch'; there are recipe"),
        ("reference: {qmx: 3}", "a key of reference is unknown: 'qmx'; there are rmin"),
        # a value of another type: shown as it was given
        ("train: {epochs: many}", "train.epochs must be of the type of 30, got 'many'"),
        ("crystals: {observed: 1}", "crystals.observed must be of the type of True"),
        ("split: {seed: true}", "split.seed must be of the type of 0, got True"),
        # conditions that contradict one another: as Conditions says
        ("reference: {qmax: 0.1}", "qmax must be above qmin"),
        # numbers out of range: the range is said
        ("train: {epochs: 0}", "train.epochs must be at least 1, got 0"),
        ("train: {rate: 0}", "train.rate must be above 0 and at most 10, got 0"),
        ("train: {rate: .nan}", "train.rate must be above 0 and at most 10, got nan"),
        ("train: {seed: -1}", "train.seed must be at least 0, got -1"),
        ("split: {seed: -1}", "split.seed must be at least 0, got -1"),
        ("crystals: {groups: 0}", "crystals.groups must be at least 1, got 0"),
        ("spectra: {dmax: .inf}", "spectra.dmax must be from 1 to 1000 Å, got inf"),
        # no mapping: said
        ("reference: [qmax]", r"a key of reference must hold names and values"),
        ("train: 0", "a key of train must hold names and values, got 0"),
        ("train: [3]", r"a key of train must hold names and values, got \[3\]"),
        # no YAML: said
        ("train: {", "not valid YAML"),
    ],
)
def test_bad_parameters_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_params(write(tmp_path, text))


def test_a_map_is_swept_beside_the_axes():
    found = Sweeps("qmax", ["rmax", "qdamp"]).sweeps()
    assert [sweep.name for sweep in found] == ["qmax", "rmax-qdamp"]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        # an axis nobody knows: the known ones are named, as soon as it is read
        ("{param: rmx}", "there is no axis 'rmx'; the axes are rmax"),
        ("{param: [[rmax]]}", "there is no axis"),
        ("{param: []}", "sweep.param is empty; give all, beyond, rmax"),
        # a map over one axis, or three: refused
        ("{map: [rmax, rmax]}", "a map is over two different axes, got rmax twice"),
        ("{map: [rmax, qmax, uiso]}", "a map is over two axes, got 3"),
        ("{map: [rmax]}", "a map is over two axes, got 1"),
        ("{map: [rmax, qdmp]}", "there is no axis 'qdmp'"),
        ("{map: rmax}", r"sweep.map must be of the type of \[\], got 'rmax'"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused(tmp_path, section, message):
    with pytest.raises(ValueError, match=message):
        read_params(write(tmp_path, f"sweep: {section}"))
