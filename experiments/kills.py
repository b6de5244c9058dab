"""Kills, damage and pairs at random over all stages of a small pipeline, counted.

    python experiments/kills.py --kills 100 --pairs 20 --seed 0

A kill stops `dvc repro`, `dvc push` or `dvc pull`, with all its processes, by an
interrupt, a termination or a kill at a random time. After each one no loader may accept
what no undisturbed run has made, and nothing half-written lies in data, metrics or
models; after the next `dvc repro` every file must be that of an undisturbed run.
tests/pipeline/test_kills.py is the short form.
"""

import argparse
import collections
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from tiny_pipeline import SIGNALS, Pipeline  # noqa: E402

from gromega.pipeline import STAGES  # noqa: E402


def kills(pipeline: Pipeline, count: int, generator: random.Random) -> None:
    """Kill `count` commands, with damage in between, and print the counts."""
    counts: collections.Counter[str] = collections.Counter()
    while counts["killed"] < count:
        stage, number = generator.choice(STAGES), generator.choice(SIGNALS)
        kind = generator.choices(("repro", "pull", "push"), (8, 1, 1))[0]
        pipeline.edit(generator.choice((0, 1)))
        command = {
            "repro": ["dvc", "repro", "-s", "-f", stage],
            "pull": ["dvc", "pull", "-f", "--allow-missing"],
            "push": ["dvc", "push"],
        }[kind]
        if kind == "pull":
            for out in pipeline.outs():
                shutil.rmtree(out) if out.is_dir() else out.unlink()
        start = time.monotonic()
        seconds = generator.uniform(0.3, pipeline.took.get(stage, 4.0))
        if pipeline.kill(command, seconds, number):
            counts["killed"] += 1
            counts[f"{kind} by {signal.Signals(number).name}"] += 1
            counts[f"stage {stage}"] += kind == "repro"
        else:
            pipeline.took[stage] = time.monotonic() - start
            # It may have made something right from inputs of the other state.
            pipeline.repro()
        for lose in (True, False):
            if generator.random() < 0.15 and pipeline.damage(generator, lose):
                counts["lost files" if lose else "flipped bits"] += 1
        wrong = pipeline.taken_for_right()
        counts["wrong taken for right"] += len(wrong)
        if wrong:
            print("WRONG", command, number, seconds, wrong, flush=True)
        left = pipeline.leftovers()
        counts["half-written in sight"] += len(left)
        if left:
            print("LEFT", command, number, seconds, left, flush=True)
        if generator.random() < 0.3:
            pipeline.repro()
            counts["repros, all right"] += 1
        print(dict(counts), flush=True)
    pipeline.repro()


def pairs(pipeline: Pipeline, count: int) -> None:
    """Start each stage twice at once, in rounds; print how many were refused."""
    counts: dict[str, collections.Counter[str]] = {
        stage: collections.Counter() for stage in STAGES
    }
    for round_ in range(count):
        for stage in STAGES:
            command = ["python", "-m", "gromega.pipeline", stage]
            two = [pipeline.start(*command) for _ in range(2)]
            for process in two:
                process.communicate()
            statuses = sorted(process.returncode for process in two)
            right = pipeline.files() == pipeline.right[pipeline.state]
            counts[stage][f"{statuses} {'right' if right else 'WRONG'}"] += 1
        for stage in STAGES:
            print(round_ + 1, stage, dict(counts[stage]), flush=True)


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("kills", 100), ("pairs", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    # A shell starts commands in the background with interrupts ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(ROOT, Path(folder) / "tiny")
        for state in (1, 0):
            pipeline.edit(state)
            pipeline.repro()
        pipeline.call("dvc", "push", "-q")
        pairs(pipeline, options.pairs)
        kills(pipeline, options.kills, random.Random(options.seed))


if __name__ == "__main__":
    main()
