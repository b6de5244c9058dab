import json
from pathlib import Path

from typer.testing import CliRunner

from gromega.cli.main import app

REPORT = Path("metrics/report/report.md")


def rows():
    """Return the cells of all tables of the report."""
    lines = REPORT.read_text("utf-8").splitlines()
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in lines
        if line[:1] == "|"
    ]


def test_the_report_states_the_scores_of_the_metrics(inside):
    reference = json.loads(Path("metrics/reference.json").read_text())
    text = REPORT.read_text("utf-8")
    assert f"{100 * reference['top1']:.1f} %" in text
    assert "crystals.parquet" in text
    for path in sorted(Path("metrics/sweeps/uiso").iterdir()):
        score = json.loads(path.read_text())
        (row,) = [r for r in rows() if r[0] == path.stem and "(" in r[1]]
        assert row[1].split()[0] == f"{100 * score['top1']:.1f}"


def test_the_figures_of_the_report_are_there(inside):
    text = REPORT.read_text("utf-8")
    for name in ("uiso", "rmax", "confusion", "calibration"):
        assert Path(f"metrics/report/figures/{name}.svg").is_file()
        assert f"(figures/{name}.svg)" in text
    assert "<svg " in Path("metrics/report/index.html").read_text("utf-8")


def test_a_run_compared_with_itself_has_no_difference(inside, project, run):
    result = CliRunner().invoke(app, ["report", "--compare", str(project)])
    assert result.exit_code == 0, result.output
    same = [r for r in rows() if r[2:] == ["+0.0", "+0.0 to +0.0"] * 2]
    assert len(same) == 1 + 6 + 11
    run("report")
    assert not [r for r in rows() if "+0.0 to +0.0" in r]


def test_scores_with_the_composition_are_in_the_report(inside_robust):
    reference = json.loads(Path("metrics/reference.json").read_text())
    top1 = f"{100 * reference['top1_with_composition']:.1f}"
    assert any(r[1].split()[0] == top1 for r in rows() if "composition" in r[0])
