import csv
import json
import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gromega import read_pdf
from gromega.cli.main import app
from gromega.measured.examples import EXAMPLES
from gromega.model.batch import MANY
from gromega.model.io import save_model
from gromega.model.library_io import write_library
from gromega.model.prediction import FORMAT

GROUPS = np.array([166, 194, 225, 14])


def test_the_command_uses_the_composition(small_model, files, tmp_path):
    save_model(tmp_path / "m", small_model)
    words = ["predict", str(files / "25.gr"), "--no-reliability", "--json"]
    words += ["--model", str(tmp_path / "m")]
    for given, used in (("NaCl", "NaCl"), ("unknown", None)):
        result = CliRunner().invoke(app, [*words, "--composition", given])
        (prediction,) = json.loads(result.stdout).values()
        assert prediction["composition"] == used


@pytest.fixture
def predict(small_model, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # not for the rest of this process
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    save_model(tmp_path / "models" / "spacegroup", small_model)

    def run(*arguments, **options):
        words = ["predict", *map(str, arguments)]
        return CliRunner().invoke(app, words, **options)

    return run


def test_the_command_predictions_files_and_folders(predict, files, small_model):
    result = predict(files, "--json")
    assert result.exit_code == 0, result.output
    predictions = json.loads(result.stdout)
    assert list(predictions) == [str(files / "25.gr"), str(files / "40.5.gr")]
    expected = small_model.predict(read_pdf(files / "25.gr"))
    found = predictions[str(files / "25.gr")]
    assert [g["number"] for g in found["groups"]] == [c.number for c in expected.groups]
    lines = predict(files, "--csv").stdout.splitlines()
    assert lines[0] == "file,rank,number,symbol,system,probability,in_set"
    assert len(lines) == 1 + 2 * 4
    inside = [line.endswith(",1") for line in lines[1:5]]
    assert inside == [c.in_set for c in expected.groups]
    assert str(expected) in predict(files / "25.gr").stdout


def test_an_encoding_without_an_angstrom_does_not_stop_the_prediction(
    files, tmp_path, small_model
):
    save_model(tmp_path / "tiny", small_model)
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


def test_predictions_are_printed_in_one_form(predict, files):
    result = predict(files / "25.gr", "--json", "--csv")
    assert result.exit_code != 0
    assert "--json and --csv" in str(result.exception)


def test_a_summary_has_a_row_for_each_file(predict, files, small_model):
    found = predict(files, "--summary", "--csv").stdout
    rows = list(csv.DictReader(StringIO(found)))
    for row, path in zip(rows, sorted(files.iterdir()), strict=True):
        expected = small_model.predict(read_pdf(path))
        first = expected.groups[0]
        assert row["file"] == str(path)
        assert (int(row["number"]), row["symbol"]) == (first.number, first.symbol)
        assert float(row["probability"]) == pytest.approx(first.probability, abs=1e-4)
        assert [int(n) for n in row["set"].split()] == [
            c.number for c in expected.groups if c.in_set
        ]
        assert float(row["qmax"]) == expected.conditions.qmax
        assert row["notes"].split(" | ") == [*expected.notes]
    _, *lines = predict(files, "--summary").stdout.splitlines()
    for row, line in zip(rows, lines[: len(rows)], strict=True):
        assert line.startswith(row["file"]) and row["verdict"] in line


def test_a_summary_of_no_file_is_its_heading(predict, tmp_path):
    (tmp_path / "empty.gr").write_text("")
    result = predict(tmp_path / "empty.gr", "--summary")
    assert result.exit_code == 2
    assert len(result.stdout.splitlines()) == 1
    both = predict(tmp_path / "empty.gr", "--summary", "--json")
    assert "--summary" in str(both.exception)


def test_an_option_that_contradicts_the_header_is_in_the_notes(predict, files):
    result = predict(files / "25.gr", "--json", "--qmax", "18")
    (prediction,) = json.loads(result.stdout).values()
    assert any("25" in note and "18" in note for note in prediction["notes"])
    assert prediction["format"] == FORMAT


def test_the_command_reads_standard_input(predict, files):
    content = (files / "25.gr").read_bytes()
    piped = predict("-", "--json", input=content)
    assert piped.exit_code == 0, piped.output
    named = json.loads(predict(files / "25.gr", "--json").stdout)
    assert list(json.loads(piped.stdout).values()) == list(named.values())


def test_options_override_the_header(predict, files):
    result = predict(files / "25.gr", "--json", "--qmax", "31", "--rmax", "12")
    (prediction,) = json.loads(result.stdout).values()
    assert prediction["conditions"]["qmax"] == 31
    assert prediction["conditions"]["rmax"] == pytest.approx(12, abs=0.1)


def test_a_bad_file_costs_one_line_and_the_others_are_predicted(
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


def test_many_files_are_predicted_by_processes_with_the_same_predictions(
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


def test_a_file_that_is_named_twice_is_predicted_once(predict, files):
    result = predict(files / "25.gr", files, "--csv")
    assert len(result.stdout.splitlines()) == 1 + 2 * 4


def test_no_prediction_at_all_is_whole_json_and_csv_too(predict, tmp_path):
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


def test_an_interrupt_leaves_what_was_predicted_and_says_how_much(
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


def test_an_old_model_knows_nothing_of_new_structure_types(predict, files):
    result = predict(files, "--structure-type", "new")
    assert isinstance(result.exception, ValueError)
    assert "unsure" in str(result.exception)
    assert predict(files, "--structure-type", "unsure").exit_code == 0
    assert predict(files, "--structure-type", "fresh").exit_code == 2


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


def test_a_name_that_is_no_text_is_predicted(predict, files, tmp_path):
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


def test_the_command_draws_a_figure_for_each_file(
    small_model, library, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "tiny", small_model)
    write_library(tmp_path / "library.parquet", library)
    for name in ("a.1.gr", "a_1.gr"):
        Path(name).write_text(EXAMPLES["rutile-synchrotron.gr"])
    ask = ["predict", "a.1.gr", "a_1.gr", "--model", "tiny", "--figures", "figures"]
    drawn = CliRunner().invoke(app, [*ask, "--library", "library.parquet"])
    assert drawn.exit_code == 0
    assert drawn.stdout.count("best match: TiO2 (rutile, 10)") == 2
    made = sorted(path.name for path in Path("figures").iterdir())
    assert made == ["a_1_gr.png", "a_1_gr.svg", "a_1_gr_.png", "a_1_gr_.svg"]
    laid = ["predict", "a.1.gr", "--model", "tiny", "--library", "library.parquet"]
    assert "best match: TiO2" in CliRunner().invoke(app, laid).stdout
    without = CliRunner().invoke(
        app, ["predict", "a.1.gr", "--model", "tiny", "--explain"]
    )
    assert "most important r for" in without.stdout
    assert "best match" not in without.stdout
    assert "git restore models/library.parquet" in without.stderr


def test_examples_are_written_to_be_predicted(predict, tmp_path):
    for _ in range(2):  # the second time, they are there
        written = CliRunner().invoke(app, ["examples"])
        assert written.exit_code == 0, written.output
        assert written.stdout.split() == [f"examples/{name}" for name in EXAMPLES]
    result = predict("examples/rutile-synchrotron.gr")
    assert result.exit_code == 0, result.output


def test_examples_replace_no_other_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "spinel-laboratory.gr"
    mine.write_text("1 2\n")
    result = CliRunner().invoke(app, ["examples", "."])
    assert "spinel-laboratory.gr exists" in str(result.exception)
    assert list(tmp_path.iterdir()) == [mine] and mine.read_text() == "1 2\n"
