"""The whole pipeline on a few crystals, stage by stage, as dvc.yaml runs it."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml
from conftest import NETWORK
from files import cif
from typer.testing import CliRunner

from gromega._util.progress import run_or_explain
from gromega.cli.main import app
from gromega.conditions import Conditions
from gromega.crystals.crystal import Crystal
from gromega.crystals.table import read_table, to_table, write_table
from gromega.evaluation.subsamples import read_subsamples
from gromega.lake.store import open_store
from gromega.model.io import load_model
from gromega.params import read_params
from gromega.pipeline import STAGES, main
from gromega.training.checkpoint import Checkpoints
from gromega.training.recipes import RECIPES

ROOT = Path(__file__).parents[2]
PARAMS = """\
crystals: {source: crystals.parquet, groups: 3}
split: {test: 0.25, validation: 0.2}
train: {epochs: 2}
sweep: {param: [uiso, rmax]}
"""


def run(*names):
    for name in names:
        main([name])


@pytest.fixture(scope="module")
def project(tmp_path_factory, small_table):
    """Return a folder in which all stages have run."""
    folder = tmp_path_factory.mktemp("project")
    here = Path.cwd()
    os.chdir(folder)
    try:
        for name in ("data", "models"):
            Path(name).mkdir()
        write_table(small_table, Path("crystals.parquet"))
        Path("params.yaml").write_text(PARAMS)
        for name in STAGES:
            main([name])
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def inside(project, monkeypatch):
    monkeypatch.chdir(project)


def test_stages_are_those_of_dvc_yaml_in_its_order():
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert list(pipeline) == list(STAGES)
    for name, stage in pipeline.items():
        assert stage["cmd"] == f"python -m gromega.pipeline {name}"
        for dependency in stage["deps"]:
            if dependency.startswith("src/"):
                assert (ROOT / dependency).exists(), dependency


def test_metrics_are_of_the_test_part_alone(inside):
    _, parts = read_table_of_split()
    reference = json.loads(Path("metrics/reference.json").read_text())
    assert reference["n"] == parts.count("test") == 6
    training = json.loads(Path("metrics/train.json").read_text())
    assert training["n_train"] == parts.count("train")
    assert training["n_validation"] == parts.count("validation")


def read_table_of_split():
    import pyarrow.parquet as pq

    table = pq.read_table("data/split.parquet")
    return table["id"].to_pylist(), table["part"].to_pylist()


def test_each_axis_asked_for_has_store_metrics_and_figure(inside):
    for axis, count in (("uiso", 6), ("rmax", 11)):
        scores = json.loads(Path(f"metrics/sweeps/{axis}.json").read_text())
        assert len(scores) == count
        assert all(0 <= s["top1"] <= s["top6"] <= 1 for s in scores.values())
        assert open_store(Path(f"data/sweeps/{axis}.zarr"))["g"].shape[0] == count
        assert Path(f"metrics/figures/{axis}.svg").is_file()
        assert Path(f"metrics/figures/{axis}.png").is_file()
    assert not Path("metrics/sweeps/qmax.json").exists()


def test_reference_metrics_stand_in_both_sweeps(inside):
    reference = json.loads(Path("metrics/reference.json").read_text())
    for axis, key in (("uiso", "0.008"), ("rmax", "30")):
        assert json.loads(Path(f"metrics/sweeps/{axis}.json").read_text())[key] == (
            reference
        )


def test_the_report_holds_the_metrics(inside):
    reference = json.loads(Path("metrics/reference.json").read_text())
    text = Path("metrics/report/report.md").read_text("utf-8")
    top1 = f"{100 * reference['top1']:.1f}"
    assert f"the model is right for {top1} % (" in text
    assert "of 6 test crystals, random split of crystals.parquet" in text
    rows = [line.split("|")[1:4] for line in text.splitlines() if line[:1] == "|"]
    uiso = json.loads(Path("metrics/sweeps/uiso.json").read_text())
    for key, scores in uiso.items():
        (row,) = [row for row in rows if row[0].strip() == key and "±" in row[1]]
        assert row[1].split()[0] == f"{100 * scores['top1']:.1f}"
    for name in ("uiso", "rmax", "confusion", "reliability"):
        assert Path(f"metrics/report/figures/{name}.svg").is_file()
        assert f"(figures/{name}.svg)" in text
    page = Path("metrics/report/index.html").read_text("utf-8")
    assert page.count("<svg ") == 4
    for name in ("nearest neighbours of G(r)", "logistic regression on G(r)"):
        assert name in text
    assert "The crystal system is right for" in text
    (nothing,) = [row for row in rows if row[0].strip() == "nothing"]
    assert nothing[1].split()[0] == top1
    # a model without memory makes no use of compositions
    assert "with_composition" not in reference
    assert "told the compositions" not in text
    # its two groups differ in all that may be known
    (known,) = [row for row in rows if row[0].strip() == "all of these"]
    assert known[1].split()[0] == "100.0"


def test_a_report_compares_with_another_run(inside, project):
    result = CliRunner().invoke(app, ["report", "--compare", str(project)])
    assert result.exit_code == 0, result.output
    text = Path("metrics/report/report.md").read_text("utf-8")
    assert "## Compared with others" in text
    assert text.count("| +0.0 | +0.0 to +0.0 | +0.0 | +0.0 to +0.0 |") == 1 + 6 + 11
    run("report")
    assert "## Compared" not in Path("metrics/report/report.md").read_text("utf-8")


def test_draws_are_kept_for_every_point(inside):
    drawn = read_subsamples(Path("data/subsamples.parquet"))
    assert len(drawn) == 6 + 11
    uiso = json.loads(Path("metrics/sweeps/uiso.json").read_text())
    for (sweep, key), accuracies in drawn.items():
        assert accuracies["top1"].shape == (100,)
        if sweep == "uiso":
            mean = accuracies["top1"].mean()
            assert mean == pytest.approx(uiso[key]["top1"], abs=0.2)


def test_outputs_tell_nothing_of_the_place(project):
    marks = [str(project).encode(), str(Path.home()).encode() + b"/"]
    for path in project.rglob("*"):
        if path.is_file() and "crystals.parquet" not in path.name:
            content = path.read_bytes()
            assert not any(mark in content for mark in marks), path


def test_model_is_scored_on_the_data_of_a_pipeline(inside):
    result = CliRunner().invoke(app, ["evaluate", "models/current"])
    assert json.loads(result.stdout) == json.loads(
        Path("metrics/reference.json").read_text()
    )


def test_summary_and_picture_of_the_crystals(inside):
    summary = json.loads(Path("metrics/crystals.json").read_text())
    assert summary["by_space_group"] == {"194": 8, "225": 8, "229": 8}
    assert Path("metrics/figures/crystals.svg").is_file()
    table = read_table(Path("data/crystals.parquet"))
    assert set(table["structure_type"].to_pylist()) == {
        "A_194_c",
        "A_225_a",
        "A_229_a",
    }
    assert set(table["source"].to_pylist()) == {"crystals.parquet"}
    assert Path("data/quarantine.csv").read_text() == "file,block,reason,detail\n"


def test_a_crystal_of_the_test_part_is_not_trained_on(project, tmp_path, monkeypatch):
    # a split that was edited by hand: a test crystal is among the training ones, too
    import pyarrow.parquet as pq

    monkeypatch.chdir(tmp_path)
    shutil.copytree(project, tmp_path, dirs_exist_ok=True)
    split = pq.read_table("data/split.parquet")
    parts = split["part"].cast(pa.string()).to_pylist()
    row = parts.index("test")
    train = pa.array(["train"]).dictionary_encode()
    leaked = split.slice(row, 1).set_column(2, "part", train)
    pq.write_table(pa.concat_tables([split, leaked]), "data/split.parquet")
    with pytest.raises(ValueError, match="1 crystals of the test part are among"):
        run("train")


def test_a_collection_of_files_is_a_source(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("data", "cifs"):
        Path(name).mkdir()
    for k in range(4):
        Path(f"cifs/{k}.cif").write_text(cif(a=f"{5 + 0.3 * k}"))
    Path("cifs/again.cif").write_text(cif(a="5.31"))
    Path("params.yaml").write_text("crystals: {source: cifs}\n")
    run("crystals")
    table = read_table(Path("data/crystals.parquet"))
    assert table["source"].to_pylist() == ["0.cif", "1.cif", "2.cif", "3.cif"]
    assert "again.cif,halite,duplicate,of 1.cif" in (
        Path("data/quarantine.csv").read_text()
    )
    summary = json.loads(Path("metrics/crystals.json").read_text())
    assert summary["ingest"]["refused"] == {"duplicate": 1}
    said = capsys.readouterr().err
    assert "5 files: 4 crystals taken, 1 refused: 1 duplicate" in said
    assert not Path("data/gathered.parquet").exists()


@pytest.mark.parametrize("scheme", ["formula", "structure-type"])
def test_keys_of_the_scheme_are_on_one_side(tmp_path, monkeypatch, scheme, generator):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    n = 120
    crystal = Crystal("x", 4 * np.eye(3), [11], [[0, 0, 0]])
    crystals = [replace_id(crystal, f"c{k}") for k in range(n)]
    kinds = [f"kind {k}" for k in generator.integers(0, 30, n)]
    table = to_table(crystals, [221] * n, structure_types=kinds)
    column = "formula" if scheme == "formula" else "structure_type"
    index = table.column_names.index(column)
    write_table(
        table.set_column(index, column, pa.array(kinds)),
        Path("data/crystals.parquet"),
    )
    Path("params.yaml").write_text(f"split: {{scheme: {scheme}}}\n")
    run("split")
    _, parts = read_table_of_split()
    for kind in set(kinds):
        assert len({p for p, k in zip(parts, kinds, strict=True) if k == kind}) == 1


def replace_id(crystal, name):
    return Crystal(name, crystal.lattice, crystal.numbers, crystal.frac)


def test_stages_run_again_give_the_same_bytes(inside):
    names = [
        "data/crystals.parquet",
        "data/split.parquet",
        "data/reference.zarr/g/c/0/0",
        "metrics/reference.json",
        "metrics/figures/uiso.svg",
    ]
    before = {name: Path(name).read_bytes() for name in names}
    run("crystals", "split", "spectra", "simulate", "evaluate", "figures")
    for name, content in before.items():
        assert Path(name).read_bytes() == content, name


@pytest.mark.parametrize(
    ("change", "stage", "message"),
    [
        # a source that is not there: said
        ({"crystals": {"source": "x.parquet"}}, "crystals", "x.parquet does not exist"),
        # a source of another kind: the kinds are named
        (
            {"crystals": {"source": "params.yaml.txt"}},
            "crystals",
            "not a CIF file, a POSCAR",
        ),
        # a scheme nobody knows: the known ones are named
        ({"split": {"scheme": "fair"}}, "split", "no split scheme 'fair'; the schemes"),
        # a recipe nobody knows: likewise
        ({"train": {"recipe": "big"}}, "train", "no recipe 'big'; the recipes are"),
        # no epochs: refused
        ({"train": {"epochs": 0}}, "train", "train.epochs must be at least 1, got 0"),
        # spectra too short for a point of a sweep: before anything is trained
        (
            {"spectra": {"dmax": 30}, "reference": {"rmax": 20}},
            "simulate",
            "the pair spectra reach 30 Å, but G(r) at these conditions depends on",
        ),
        # a reference that a sweep leaves: the same
        (
            {"reference": {"qmin": 13}},
            "crystals",
            "the sweep over qmax leaves what conditions can be: qmax must be above",
        ),
        # a typo in the axis: refused, though DVC would take it
        ({"sweep": {"param": "rmx"}}, "simulate-sweep", "no axis 'rmx'; the axes are"),
    ],
)
def test_errors_are_one_line_and_status_2(
    project, monkeypatch, tmp_path, capsys, change, stage, message
):
    monkeypatch.chdir(tmp_path)
    for name in ("data", "models", "metrics"):
        (tmp_path / name).symlink_to(project / name)
    (tmp_path / "params.yaml.txt").write_text("x")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(change))
    with pytest.raises(SystemExit) as stop:
        run_or_explain(lambda: main([stage]))
    assert stop.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("gromega: ")
    assert message in lines[0]


def test_an_interrupted_stage_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, small_table, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    write_table(small_table, Path("data/crystals.parquet"))
    Path("params.yaml").write_text("")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gromega.lake.store.spectra_of", interrupt)
    with pytest.raises(SystemExit) as stop:
        run_or_explain(lambda: main(["spectra"]))
    assert stop.value.code == 130
    assert capsys.readouterr().err.strip().splitlines() == [
        "gromega: interrupted; nothing half-written is left."
    ]
    assert [path.name for path in Path("data").iterdir()] == ["crystals.parquet"]


def test_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="give one stage of crystals, split"):
        main(["crystal"])


def test_synthetic_crystals_are_made_from_their_recipe(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("few.yaml").write_text(
        "space_groups: [2, 225]\ncrystals_per_group: 3\nseed: 0\n"
    )
    Path("params.yaml").write_text("crystals: {source: few.yaml}\n")
    run("crystals")
    table = read_table(Path("data/crystals.parquet"))
    assert sorted(np.asarray(table["space_group"])) == [2, 2, 2, 225, 225, 225]
    assert (
        "6 crystals of 6 structure types in 2 space groups" in capsys.readouterr().err
    )


def test_crystals_that_do_not_scatter_are_left_out(
    tmp_path, monkeypatch, small_table, capsys
):
    # actinium has no neutron scattering length: its crystal is left out, and said
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    numbers = small_table["numbers"].to_pylist()
    numbers[0] = [89] * len(numbers[0])
    index = small_table.column_names.index("numbers")
    column = pa.array(numbers, small_table["numbers"].type)
    write_table(small_table.set_column(index, "numbers", column), Path("c.parquet"))
    Path("params.yaml").write_text(
        "crystals: {source: c.parquet}\nreference: {radiation: neutron}\n"
    )
    run("crystals")
    assert read_table(Path("data/crystals.parquet")).num_rows == 23
    assert "left out 1 crystals with elements that have no neutron" in (
        capsys.readouterr().err
    )
    assert read_params().reference.radiation == "neutron"


@pytest.fixture
def tiny_robust(monkeypatch):
    recipe = replace(
        RECIPES["robust"],
        network=NETWORK,
        batch=8,
    )
    monkeypatch.setitem(RECIPES, "robust", recipe)


def with_theoretical(table):
    """Return a table with copies of its crystals that no experiment knows."""
    names = [f"theory {name}" for name in table["id"].to_pylist()]
    copies = table.set_column(0, "id", pa.array(names))
    seen = table.column_names.index("observed")
    copies = copies.set_column(seen, "observed", pa.array([False] * len(names)))
    place = table.column_names.index("numbers")
    atoms = [[92] * len(numbers) for numbers in copies["numbers"].to_pylist()]
    column = pa.array(atoms, table.field("numbers").type)
    copies = copies.set_column(place, table.field("numbers"), column)
    return pa.concat_tables([table, copies])


def of_another_group(table, count):
    """Return the first crystals of a table as if they were of another group."""
    names = pa.array([f"other {k}" for k in range(count)])
    groups = pa.array([1] * count, table["space_group"].type)
    made = table.slice(0, count).set_column(0, "id", names)
    for name in ("space_group", "space_group_loose"):
        made = made.set_column(made.column_names.index(name), name, groups)
    return made


def test_the_robust_recipe_trains_on_variants_and_goes_on_after_a_stop(
    tmp_path, monkeypatch, small_table, tiny_robust
):
    monkeypatch.chdir(tmp_path)
    for name in ("data", "models"):
        Path(name).mkdir()
    table = pa.concat_tables([small_table, of_another_group(small_table, 5)])
    write_table(with_theoretical(table), Path("crystals.parquet"))
    params = yaml.safe_load(PARAMS)
    params["crystals"].update(theoretical=True, synthetic=2)
    params["train"]["recipe"] = "robust"
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run("crystals", "split", "spectra", "simulate")
    extra = read_table(Path("data/augmentation.parquet"))
    assert extra["source"].to_pylist() == ["crystals.parquet"] * 24 + ["synthetic"] * 6
    assert "" not in extra["structure_type"].to_pylist()
    others = read_table(Path("data/other_groups.parquet"))
    assert others["id"].to_pylist() == [f"other {k}" for k in range(5)]
    save = Checkpoints.save

    def stop_after_one(self, step, state):
        save(self, step, state)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        run("train")
    monkeypatch.setattr(Checkpoints, "save", save)
    run("train", "calibrate", "evaluate", "baselines", "simulate-sweep",
        "evaluate-sweep", "figures", "report")  # fmt: skip
    training = json.loads(Path("metrics/train.json").read_text())
    assert training["n_train"] == 15 + 24 + 6
    assert 0 <= training["validation_box_top1"] <= training["validation_box_top6"] <= 1
    lines = Path("metrics/training.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch", "1", "2"]
    model = load_model("models/current")
    assert model.box == RECIPES["robust"].box
    assert model.calibration.n == 4 * training["n_validation"]
    for found in (model.calibration, model.calibration_with_composition):
        assert found.other_groups.n == 5
        assert found.other_groups.share == pytest.approx(5 / 29, abs=1e-6)
    # it remembers the training part alone, of whatever it learned besides
    assert len(model.neighbours.names) == 15
    parts = read_table_of_split()
    held = {name for name, part in zip(*parts, strict=True) if part != "train"}
    assert not held & {name.split()[0] for name in model.neighbours.names}
    # and carries the test part alone, to be tested on at any conditions
    tested = {name for name, part in zip(*parts, strict=True) if part == "test"}
    assert set(model.test_crystals.ids) == tested
    assert len(model.reliability_test.accuracy_at(Conditions(qmax=20.0))[1]) == len(
        tested
    )
    # once more, the same bytes
    before = {p.name: p.read_bytes() for p in Path("models/current").iterdir()}
    run("calibrate")
    assert {p.name: p.read_bytes() for p in Path("models/current").iterdir()} == before
    # told compositions, of which each group has one here, it knows better
    assert "with the composition" in model.calibration_with_composition.fitted_on
    scores = json.loads(Path("metrics/reference.json").read_text())
    told = scores["with_composition"]
    assert told["n"] == scores["n"]
    assert told["top1"] > scores["top1"]
    uiso = json.loads(Path("metrics/sweeps/uiso.json").read_text())
    assert uiso["0.008"] == scores
    assert all(score["with_composition"]["top1"] > 0.5 for score in uiso.values())
    result = CliRunner().invoke(app, ["evaluate", "models/current"])
    alone, other = json.loads(result.stdout), dict(scores)
    np.testing.assert_allclose(alone.pop("with_composition")["top1"], told["top1"])
    other.pop("with_composition")
    assert alone == pytest.approx(other, abs=1e-4)
    text = Path("metrics/report/report.md").read_text("utf-8")
    (row,) = [line for line in text.splitlines() if "told the compositions" in line]
    assert row.split("|")[2].split()[0] == f"{100 * told['top1']:.1f}"
    assert text.count("| told top-1 | told top-6 |") == 2
    assert "the composition known" in Path("metrics/figures/uiso.svg").read_text()
    _, ranks = model.reliability_test.accuracy_at(Conditions(qmax=20.0), True)
    assert ranks.size == len(tested)
    trained = load_model("models/trained")
    assert trained.neighbours is None and trained.test_crystals is None
    # the state is gone, the symmetry stays for the next training
    assert [p.name.split("-")[0] for p in Path(".work").iterdir()] == ["symmetry"]
    # the same without extra crystals
    params["crystals"].update(theoretical=False, synthetic=0)
    Path("params.yaml").write_text(yaml.safe_dump(params))
    run("crystals", "train")
    assert json.loads(Path("metrics/train.json").read_text())["n_train"] == 15


def test_a_box_that_the_spectra_do_not_hold_is_refused(
    project, tmp_path, monkeypatch, tiny_robust
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(project / "data")
    Path("params.yaml").write_text("train: {recipe: robust}\nspectra: {dmax: 34.0}\n")
    with pytest.raises(ValueError, match=r"depends on distances up to 36\.00 Å, but"):
        run("train")


def test_without_asking_theory_adds_nothing(inside):
    assert read_table(Path("data/augmentation.parquet")).num_rows == 0
