import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import NETWORK, SETS
from typer.testing import CliRunner

from gromega import read_pdf, simulate
from gromega.cli.main import app
from gromega.conditions import REFERENCE, Box, Conditions
from gromega.measured.pdf import to_input
from gromega.model.batch import MANY
from gromega.model.build_neighbours import build_neighbours
from gromega.model.calibration import Calibration
from gromega.model.importance import find_importance
from gromega.model.io import save_model
from gromega.model.model import Model
from gromega.model.other_groups import OtherGroupFit
from gromega.networks.build import make_network
from gromega.networks.inference import Compiled
from gromega.networks.weights import to_arrays

GROUPS = np.array([166, 194, 225, 14])
SURER = Calibration(0.5, {"0.90": 0.5, "0.95": 0.6}, "validation part", 9)


@pytest.fixture(scope="module")
def files(tmp_path_factory, classics):
    """Return a folder with two PDFs as a program writes them."""
    folder = tmp_path_factory.mktemp("measured")
    for crystal, qmax in zip(classics[:2], (25, 40.5), strict=True):
        omega = Conditions(qmax=min(qmax, 30), rmax=20)
        r, g = simulate([crystal], omega)
        lines = [f"{x:.5f} {y:.6f}" for x, y in zip(r, g[0], strict=True)]
        head = ["[DEFAULT]", f"qmax = {omega.qmax}", "mode = xray", "#### start data"]
        name = f"{qmax}.gr"
        (folder / name).write_text("\n".join([*head, *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def model():
    network = make_network(NETWORK, 4, 0)
    rows = np.random.default_rng(0).normal(size=(4, 209)).astype(np.float32)
    names = ["mp-1 NaCl", "mp-2 Fe", "mp-3 Si", "my best crystal C"]
    embeddings = Compiled(network).embed(rows)
    neighbours = build_neighbours([[embeddings]], np.arange(4), names, 4)
    return Model(
        to_arrays(network), GROUPS, NETWORK, REFERENCE, {}, Box(), SETS,
        neighbours=replace(neighbours, with_composition=(0.1, 0.9)),
        calibration_with_composition=SURER,
    )  # fmt: skip


def test_a_known_composition_makes_another_answer(model, files):
    path = files / "25.gr"
    alone = model.predict(read_pdf(path))
    told = model.predict(read_pdf(path, composition="Na2Cl2"), explain=True)
    assert (alone.composition, told.composition) == (None, "Na2Cl2")
    # the crystal of this composition is of the first group
    first = [next(c for c in a.groups if c.number == 166) for a in (alone, told)]
    assert first[1].probability > max(0.5, first[0].probability)
    assert told.groups[0].number == 166
    log_p = model.log_probabilities(to_input(read_pdf(path))[None], ["NaCl"])
    assert told.groups[0].probability == pytest.approx(np.exp(log_p.max()))
    assert told.neighbours[0].id == "mp-1"
    # what speaks for the group is asked with the composition too
    pdf = read_pdf(path)
    same, other = (
        find_importance(
            lambda g, c=c: model.log_probabilities(g, c and [c] * len(g)), pdf
        )
        for c in ("NaCl", None)
    )
    np.testing.assert_allclose(told.importance.values, same.values, rtol=1e-5)
    assert np.abs(told.importance.values - other.values).max() > 0.01
    assert "composition used: Na2Cl2" in str(told)
    both = model.predict_all([read_pdf(path), read_pdf(path, composition="Na2Cl2")])
    assert [a.groups for a in both] == [alone.groups, told.groups]


def test_alone_and_told_are_what_they_are_one_by_one(model, files):
    g = np.stack([to_input(read_pdf(path)) for path in sorted(files.glob("*.gr"))])
    formulas = ["NaCl", "Fe"]
    alone, told = model.without_and_with_composition(g, formulas)
    np.testing.assert_allclose(alone, model.log_probabilities(g), atol=1e-6)
    np.testing.assert_allclose(told, model.log_probabilities(g, formulas), atol=1e-6)
    assert np.abs(alone - told).max() > 0.1
    with pytest.raises(ValueError, match="cannot use compositions"):
        replace(model, neighbours=None).without_and_with_composition(g, formulas)


def test_a_composition_that_looks_wrong_is_doubted(model, files):
    path = files / "25.gr"
    embedded = model.engine.embed(to_input(read_pdf(path))[None])
    # the PDF is that of the compound, and unlike those of the elements
    other = np.random.default_rng(0).normal(size=(3, embedded.shape[1]))
    along = embedded / np.linalg.norm(embedded)
    other -= (other @ along.T) * along
    seen = np.concatenate([embedded, other]).astype(np.float32)
    known = build_neighbours([[seen]], np.arange(4), model.neighbours.names, 4)
    neighbours = replace(known, with_composition=(0.1, 0.9))
    sure = replace(model, neighbours=neighbours)
    for composition, doubted in (("NaCl", False), ("Fe", True)):
        pdf = read_pdf(path, composition=composition)
        warnings = sure.predict(pdf, reliability=False).notes
        assert any("check the composition" in text for text in warnings) == doubted


def test_a_composition_like_none_that_is_known_is_left_out(model, files):
    path = files / "25.gr"
    answer = model.predict(read_pdf(path, composition="C6H12O6"), reliability=False)
    assert answer.composition is None
    assert answer.notes == ("no training crystal has a composition like C6H12O6.",)
    assert answer.groups == model.predict(read_pdf(path), reliability=False).groups


def test_a_model_that_is_calibrated_for_one_alone_makes_no_use_of_them(model):
    assert model.uses_compositions
    assert not replace(model, calibration_with_composition=None).uses_compositions
    assert replace(
        model, calibration_with_composition=None, calibration=None
    ).uses_compositions


def test_the_command_tells_the_composition(model, files, tmp_path):
    save_model(tmp_path / "m", model)
    words = ["predict", str(files / "25.gr"), "--no-reliability", "--json"]
    words += ["--model", str(tmp_path / "m")]
    for given, told in (("NaCl", "NaCl"), ("unknown", None)):
        result = CliRunner().invoke(app, [*words, "--composition", given])
        (answer,) = json.loads(result.stdout).values()
        assert answer["composition"] == told


def test_a_model_without_use_for_a_composition_says_so(model, files):
    pdf = read_pdf(files / "25.gr", composition="NaCl")
    plain = replace(model, neighbours=replace(model.neighbours, with_composition=None))
    answer = plain.predict(pdf, reliability=False)
    assert answer.composition is None
    assert answer.notes[-1] == "this model does not use the composition."
    assert answer.groups == plain.predict(read_pdf(files / "25.gr")).groups
    with pytest.raises(ValueError, match="cannot use compositions"):
        plain.log_probabilities(to_input(pdf)[None], ["NaCl"])


def test_an_answer_holds_what_the_model_says(model, files):
    pdf = read_pdf(files / "25.gr")
    answer = model.predict(pdf)
    log_p = model.log_probabilities(to_input(pdf)[None].astype(np.float32))
    p = np.exp(log_p[0])
    assert [c.number for c in answer.groups] == GROUPS[np.argsort(-p)].tolist()
    assert [c.probability for c in answer.groups] == sorted(p, reverse=True)
    assert {c.number: c.symbol for c in answer.groups}[166] == "R-3m"
    assert {c.number: c.system for c in answer.groups}[14] == "monoclinic"
    inside = SETS.prediction_sets(log_p, 0.9)[0]
    assert {c.number for c in answer.groups if c.in_set} == set(GROUPS[inside])
    assert sum(answer.systems.values()) == pytest.approx(1)
    assert list(answer.systems.values()) == sorted(answer.systems.values())[::-1]
    known = {(known.id, known.formula) for known in answer.neighbours}
    assert known == {
        ("mp-1", "NaCl"), ("mp-2", "Fe"), ("mp-3", "Si"), ("my best crystal", "C")
    }  # fmt: skip
    assert answer.neighbours[0].similarity >= answer.neighbours[-1].similarity
    assert (answer.conditions.qmax, answer.conditions.rmax) == (
        25,
        pytest.approx(20, abs=0.1),
    )
    (warning,) = answer.notes
    assert "no test crystals" in warning


def test_a_condition_outside_of_the_box_is_a_warning(model, files):
    narrow = replace(model, box=Box(qmax=(20.0, 24.0)))
    (warning,) = narrow.predict(read_pdf(files / "25.gr"), reliability=False).notes
    assert warning.startswith("qmax 25 is outside") and "20 to 24" in warning
    only = replace(model, training={"radiations": ["xray"]})
    assert only.predict(read_pdf(files / "25.gr"), reliability=False).notes == ()
    pdf = read_pdf(files / "25.gr", radiation="neutron")
    (warning,) = only.predict(pdf, reliability=False).notes
    assert "trained for xray, not" in warning
    (late,) = model.predict(
        read_pdf(files / "25.gr", rmin=2.5), reliability=False
    ).notes
    assert late.startswith("G(r) begins at 2.51 Å, ")


def test_a_model_without_calibration_and_memory_answers_too(model, files):
    plain = replace(model, calibration=None, neighbours=None)
    answer = plain.predict(read_pdf(files / "25.gr"))
    assert answer.coverage is None and answer.neighbours == ()
    assert not any(c.in_set for c in answer.groups)
    assert "prediction set" not in str(answer)


def test_many_are_answered_as_one_by_one(model, files):
    pdfs = [read_pdf(path) for path in sorted(files.iterdir())]
    together = model.predict_all(pdfs)
    for pdf, answer in zip(pdfs, together, strict=True):
        alone = model.predict(pdf)
        assert [c.number for c in answer.groups] == [c.number for c in alone.groups]
    assert model.predict_all([]) == []


def test_an_answer_shows_itself(model, files):
    answer = model.predict(read_pdf(files / "25.gr"))
    first = answer.groups[0]
    assert f"{first.number:4} {first.symbol}" in str(answer)
    assert "90 % prediction set: " in str(answer)
    first_known = answer.neighbours[0]
    assert f"{first_known.formula} ({first_known.id}, " in str(answer)
    page = answer._repr_html_()
    assert page.count("<tr>") == 5
    assert json.loads(json.dumps(answer.to_mapping()))["groups"][0]["number"] == (
        first.number
    )


@pytest.fixture
def predict(model, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # not for the rest of this process
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    save_model(tmp_path / "models" / "spacegroup", model)

    def run(*arguments, **options):
        words = ["predict", *map(str, arguments)]
        return CliRunner().invoke(app, words, **options)

    return run


def test_the_command_answers_files_and_folders(predict, files, model):
    result = predict(files, "--json")
    assert result.exit_code == 0, result.output
    answers = json.loads(result.stdout)
    assert list(answers) == [str(files / "25.gr"), str(files / "40.5.gr")]
    expected = model.predict(read_pdf(files / "25.gr"))
    found = answers[str(files / "25.gr")]
    assert [g["number"] for g in found["groups"]] == [c.number for c in expected.groups]
    lines = predict(files, "--csv").stdout.splitlines()
    assert lines[0] == "file,rank,number,symbol,system,probability,in_set"
    assert len(lines) == 1 + 2 * 4
    inside = [line.endswith(",1") for line in lines[1:5]]
    assert inside == [c.in_set for c in expected.groups]
    assert str(expected) in predict(files / "25.gr").stdout


def test_an_answer_says_how_likely_another_group_is(model, files):
    pdf = read_pdf(files / "25.gr")
    assert model.predict(pdf).other_groups is None
    others = OtherGroupFit(0.18, -2.0, 0.9, 3000)
    doubting = replace(model, calibration=replace(SETS, other_groups=others))
    answer = doubting.predict(pdf)
    p = others.probability(model.log_probabilities(to_input(pdf)[None]))[0]
    assert answer.other_groups.probability == pytest.approx(p)
    assert f"outside the model's groups: {100 * p:.0f} % (if 18 %" in str(answer)
    assert answer.to_mapping()["other_groups"]["share"] == 0.18
    # told the composition, it is another calibration that counts
    told = doubting.predict(read_pdf(files / "25.gr", composition="NaCl"))
    assert told.other_groups is None


def test_an_answer_says_of_which_groups_and_systems_it_is(model, files):
    answer = model.predict(read_pdf(files / "25.gr"))
    assert "(of 4 groups)" in str(answer)
    (first, share), *_ = answer.systems.items()
    assert f"crystal system: {first} {100 * share:.0f} %" in str(answer)
    # a session shows a model, not all that is in it
    assert len(repr(replace(model, test_crystals=None))) < 3000


def test_an_encoding_without_an_angstrom_does_not_stop_the_answer(
    files, tmp_path, model
):
    save_model(tmp_path / "tiny", model)
    program = str(Path(sys.executable).with_name("gromega"))
    words = [
        program,
        "predict",
        str(files / "25.gr"),
        "--model",
        str(tmp_path / "tiny"),
    ]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert "166" in done.stdout and "90 % prediction set" in done.stdout


def test_figures_go_to_a_folder(predict, files):
    result = predict(files / "25.gr", "--figures", files / "40.5.gr")
    assert result.exit_code != 0
    assert "40.5.gr is a file; give --figures a folder" in str(result.exception)


def test_answers_are_printed_in_one_form(predict, files):
    result = predict(files / "25.gr", "--json", "--csv")
    assert result.exit_code != 0
    assert "--json and --csv" in str(result.exception)


def test_the_command_reads_standard_input(predict, files):
    content = (files / "25.gr").read_bytes()
    piped = predict("-", "--json", input=content)
    assert piped.exit_code == 0, piped.output
    named = json.loads(predict(files / "25.gr", "--json").stdout)
    assert list(json.loads(piped.stdout).values()) == list(named.values())


def test_options_override_the_header(predict, files):
    result = predict(files / "25.gr", "--json", "--qmax", "31", "--rmax", "12")
    (answer,) = json.loads(result.stdout).values()
    assert answer["conditions"]["qmax"] == 31
    assert answer["conditions"]["rmax"] == pytest.approx(12, abs=0.1)


def test_a_bad_file_costs_one_line_and_the_others_are_answered(
    predict, files, tmp_path
):
    (tmp_path / "bad.gr").write_text("nothing\n")
    result = predict(tmp_path / "bad.gr", files / "25.gr", "absent.gr", "--csv")
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 2
    assert "bad.gr: " in result.stderr and "absent.gr: there is no" in result.stderr
    assert len(result.stdout.splitlines()) == 5


def row(line):
    """Return rank, group, and whether it is in the set; and the probability."""
    _, *words, probability, in_set = line.split(",")
    return (*words, in_set), float(probability)


def test_many_files_are_answered_by_processes_with_the_same_answers(
    predict, files, tmp_path
):
    alone = predict(files, "--csv", "--qmax", "20").stdout.splitlines()[1:]
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "bad.gr").write_text("nothing\n")
    for k in range(MANY):
        name = ("25.gr", "40.5.gr")[k % 2]
        (folder / f"{k:04}.gr").hardlink_to(files / name)
    # A program of its own: the server of processes stays with who started it.
    program = str(Path(sys.executable).with_name("gromega"))
    words = [
        program,
        "predict",
        str(folder),
        "--csv",
        "--no-reliability",
        "--qmax",
        "20",
    ]
    together = subprocess.run(words, capture_output=True, text=True, check=False)
    assert together.returncode == 2
    assert together.stderr.count("\n") == 1 and "bad.gr: " in together.stderr
    lines = together.stdout.splitlines()[1:]
    # in blocks of another size, probabilities may differ in the last digit
    expected = [row(line) for line in alone] * (MANY // 2)
    for line, (words, probability) in zip(lines, expected, strict=True):
        assert row(line)[0] == words
        assert row(line)[1] == pytest.approx(probability, abs=2e-6)


def test_a_file_that_is_named_twice_is_answered_once(predict, files):
    result = predict(files / "25.gr", files, "--csv")
    assert len(result.stdout.splitlines()) == 1 + 2 * 4


def test_no_answer_at_all_is_whole_json_and_csv_too(predict, tmp_path):
    (tmp_path / "empty.gr").write_text("")
    result = predict(tmp_path / "empty.gr", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {}
    head = predict(tmp_path / "empty.gr", "--csv").stdout
    assert head.startswith("file,")
    assert head.count("\n") == 1


def test_a_name_does_not_command_the_terminal(predict, files, tmp_path):
    path = tmp_path / "a\x1b[31m.gr"
    shutil.copyfile(files / "25.gr", path)
    result = predict(path, "--no-reliability")
    assert result.stdout.splitlines()[0].endswith("a\ufffd[31m.gr")


def test_what_is_no_pdf_is_said(model, files):
    pdf = read_pdf(files / "25.gr")
    for wrong, kind in ((str(files / "25.gr"), "str"), ([pdf], "list")):
        with pytest.raises(ValueError, match=f"got {kind}"):
            model.predict(wrong)


def test_an_interrupt_leaves_what_was_answered_and_says_how_much(
    predict, files, monkeypatch
):
    def interrupted(path, **_):
        if path.name != "25.gr":
            raise KeyboardInterrupt
        return read_pdf(path)

    monkeypatch.setattr("gromega.model.batch._FEW", 1)
    monkeypatch.setattr("gromega.measured.pdf.read_pdf", interrupted)
    result = predict(files, "--json")
    assert result.exit_code == 130
    assert list(json.loads(result.stdout)) == [str(files / "25.gr")]
    assert result.stderr == "gromega: 1 of 2 files were predicted.\n"


def test_a_bad_option_costs_one_line_for_all_files(predict, files):
    result = predict(files, "--qmax", "100")
    assert result.exit_code != 0 and result.stderr == ""
    assert "qmax must be below 40" in str(result.exception)


def test_what_is_hidden_in_a_folder_is_left_out_but_what_is_named_is_not(
    predict, files, tmp_path
):
    folder = tmp_path / "run"
    (folder / ".old").mkdir(parents=True)
    for name in (".a.gr", ".old/b.gr", "c.gr"):
        shutil.copy(files / "25.gr", folder / name)
    found = json.loads(predict(folder, "--json").stdout)
    assert list(found) == [str(folder / "c.gr")]
    found = json.loads(predict(folder / ".a.gr", "--json").stdout)
    assert list(found) == [str(folder / ".a.gr")]


def test_a_name_that_is_no_text_is_answered(predict, files, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/probe \xc5.gr")
    shutil.copy(files / "25.gr", path)
    result = predict(path, "--csv")
    assert result.exit_code == 0, result.output
    assert "probe \ufffd.gr" in result.stdout


def test_an_empty_folder_is_said(predict, tmp_path):
    (tmp_path / "empty").mkdir()
    result = predict(tmp_path / "empty")
    assert result.exit_code != 0
    assert "empty: there is no file" in str(result.exception)
