"""docs/metrics.md shows what DVC prints: its columns, paths and lines."""

import re
import shlex
import shutil
import subprocess
from contextlib import chdir
from pathlib import Path

import pytest
import yaml

from gromega._util.files import write_json
from gromega.evaluation.plot_data import write_curve
from gromega.evaluation.score import write_points
from gromega.sweeps import AXES

BLOCK = re.compile(r"```console\n\$ (.+)\n((?:(?!```).*\n)*)```")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def write_metrics(accuracy, epochs):
    """Write the metrics and curves of a default run, with one accuracy."""
    score = {"top1": accuracy, "top6": 2 * accuracy, "ece": accuracy / 9, "n": 900}
    for axis in AXES.values():
        points = {axis.key(value): score for value in axis.values}
        write_points(Path("metrics/sweeps", axis.name), points)
        write_curve(Path("metrics/curves", f"{axis.name}.csv"), axis, points)
    write_json(Path("metrics/reference.json"), score)
    write_json(
        Path("metrics/train.json"),
        {"best_epoch": epochs, "n_train": 3240, "validation_top1": accuracy},
    )
    write_json(Path("metrics/crystals.json"), {"crystals": 4500, "formulas": 4270})


@pytest.fixture(scope="module")
def project(tmp_path_factory, request):
    """The metrics, plots and parameters of the project, and one stage that copies."""
    root, folder = request.config.rootpath, tmp_path_factory.mktemp("metrics")
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text("utf-8"))
    metrics = [m for s in pipeline["stages"].values() for m in s.get("metrics", ())]
    outs = [{"metrics/curves": {"cache": False}}]
    made = {"cmd": "cp -r new/metrics .", "params": ["train"]}
    stages = {"all": {**made, "metrics": metrics, "outs": outs}}
    with chdir(folder):
        Path("dvc.yaml").write_text(
            yaml.safe_dump({"stages": stages, "plots": pipeline["plots"]})
        )
        shutil.copy(root / "params.yaml", ".")
        write_metrics(0.1, 28)
        for words in (
            "git init -q", "git config user.name a", "git config user.email a@b",
            "dvc init -q", "dvc commit -q -f", "git add .", "git commit -qm begin",
            "mkdir new",
        ):  # fmt: skip
            run(*words.split())
        with chdir("new"):
            write_metrics(0.05, 5)
        run("git", "add", ".")
        run("git", "commit", "-qm", "more")
        run("dvc", "exp", "run", "-q", "--name", "short", "-S", "train.epochs=5")
    return folder


def structure(text):
    """Return the lines without numbers, hashes, dates, places and widths, sorted.

    DVC 3.67 prints the lines of a comparison in any order.
    """
    text = re.sub(r"file://\S*/", "file://", text)
    text = re.sub(r"\b[0-9a-f]{7} \[", "[", text)
    text = re.sub(r"\d\d:\d\d [AP]M|\w{3} \d\d, \d{4}", "date", text)
    text = re.sub(r"(?<![\w/.])-?\d+(\.\d+)?(e-\d+)?(?![\w/.])", "0", text)
    return sorted(re.sub(r"[ -]+", " ", line).strip() for line in text.splitlines())


def test_the_docs_show_what_dvc_prints(project, request):
    text = (request.config.rootpath / "docs/metrics.md").read_text("utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == 4
    with chdir(project):
        for command, output in blocks:
            assert structure(run(*shlex.split(command))) == structure(output), command


def test_an_experiment_changes_its_value_alone(project):
    with chdir(project):
        changed = run("git", "diff", "--unified=0", "params.yaml").splitlines()[5:]
    assert changed == ["-  epochs: 30", "+  epochs: 5"]
