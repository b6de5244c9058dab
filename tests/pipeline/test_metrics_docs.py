"""docs/metrics.md shows what DVC prints: its columns, paths and lines."""

import re
import shlex
import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from gromega._util.files import write_json
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.score import write_points
from gromega.sweeps import AXES

BLOCK = re.compile(r"```console\n\$ (.+)\n((?:(?!```).*\n)*)```")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_metrics(accuracy, epochs):
    """Write the metrics and curves of a default run, with one accuracy.

    Those of the released model stay the same.
    """
    released = {"top1": 0.7, "top6": 0.9, "ece": 0.02, "n": 2000}
    score = {"top1": accuracy, "top6": 2 * accuracy, "ece": accuracy / 9, "n": 900}
    for axis in AXES.values():
        points = {axis.key(value): score for value in axis.values}
        write_points(Path("metrics/sweeps", axis.name), points)
        write_curve(Path("metrics/curves", f"{axis.name}.csv"), axis, points)
        points = dict.fromkeys(points, released)
        write_curve(Path("metrics/released", f"{axis.name}.csv"), axis, points)
    write_json(Path("metrics/reference.json"), score)
    write_json(Path("metrics/released.json"), released)
    write_json(
        Path("metrics/train.json"),
        {"best_epoch": epochs, "n_train": 3240, "validation_top1": accuracy},
    )
    write_json(Path("metrics/crystals.json"), {"crystals": 4500, "formulas": 4270})


@pytest.fixture(scope="module")
def project(tmp_path_factory, request):
    """The metrics and plots of the project, at HEAD and changed as an experiment."""
    root, folder = request.config.rootpath, tmp_path_factory.mktemp("metrics")
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text("utf-8"))
    metrics = [m for s in pipeline["stages"].values() for m in s.get("metrics", ())]
    outs = [{f"metrics/{name}": {"cache": False}} for name in ("curves", "released")]
    stages = {"all": {"cmd": "true", "metrics": metrics, "outs": outs}}
    with chdir(folder):
        Path("dvc.yaml").write_text(
            yaml.safe_dump({"stages": stages, "plots": pipeline["plots"]})
        )
        write_metrics(0.1, 28)
        for words in (
            "git init -q", "git config user.name a", "git config user.email a@b",
            "dvc init -q", "dvc commit -q -f", "git add .", "git commit -qm begin",
        ):  # fmt: skip
            run(*words.split())
        write_metrics(0.05, 27)
        run("dvc", "exp", "save", "-q", "--name", "avx2")
    return folder


def structure(text):
    """Return the lines without numbers, hashes, dates, places and widths, sorted.

    DVC 3.67 prints the lines of a comparison in any order.
    """
    text = re.sub(r"file://\S*/", "file://", text)
    text = re.sub(r"\b[0-9a-f]{7} \[", "[", text)
    text = re.sub(r"\d\d:\d\d [AP]M|\w{3} \d\d, \d{4}", "date", text)
    text = re.sub(r"(?<![\w/.])-?\d+(\.\d+)?(e-\d+)?(?![\w/.])", "0", text)
    lines = (re.sub(r"[ -]+", " ", line).strip() for line in text.splitlines())
    return sorted(filter(None, lines))


def test_the_docs_show_what_dvc_prints(project, request):
    text = (request.config.rootpath / "docs/metrics.md").read_text("utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == 4
    with chdir(project):
        for command, output in blocks:
            assert structure(run(*shlex.split(command))) == structure(output), command


@pytest.mark.parametrize("value", ["sweep.param=rmax", "train.epochs=5"])
def test_an_experiment_changes_its_value_alone(tmp_path, request, value):
    params = shutil.copy(request.config.rootpath / "params.yaml", tmp_path)
    before = Path(params).read_text("utf-8").splitlines()
    # what `dvc exp run -S` calls
    apply_overrides(params, [value])
    after = Path(params).read_text("utf-8").splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["  " + value.partition(".")[2].replace("=", ": ")]
