from typer.testing import CliRunner

from gromega._util.files import write_json
from gromega.cli.main import app
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.score import WITH_COMPOSITION
from gromega.sweeps import AXES

SCORE = {"top1": 0.5, "top6": 0.8, "n": 900}


def test_results_prints_lines_and_a_table_for_each_sweep(tmp_path):
    write_json(tmp_path / "reference.json", SCORE)
    write_json(tmp_path / "train.json", {"n_train": 3240, "n_validation": 360})
    axis = AXES["qdamp"]
    points = {axis.key(value): SCORE for value in axis.values}
    write_curve(tmp_path / "curves" / "qdamp.csv", axis, points)
    result = CliRunner().invoke(app, ["results", str(tmp_path)])
    assert result.exit_code == 0
    assert "top-1 50.0 %, top-6 80.0 %" in result.stdout
    row = next(line for line in result.stdout.splitlines() if "0.15" in line)
    assert row.replace("│", " ").split() == ["0.15", "50.0", "80.0", "23.4", "57.8"]


def test_the_widest_table_fits_on_a_terminal(tmp_path):
    score = {**SCORE, WITH_COMPOSITION: SCORE}
    write_json(tmp_path / "reference.json", SCORE)
    write_json(tmp_path / "train.json", {"n_train": 3240, "n_validation": 360})
    axis = AXES["qmax"]
    points = {axis.key(value): score for value in axis.values}
    write_curve(tmp_path / "curves" / "qmax.csv", axis, points)
    result = CliRunner().invoke(app, ["results", str(tmp_path)], env={"COLUMNS": "80"})
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "composition" in result.stdout and "…" not in result.stdout
