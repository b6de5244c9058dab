"""The same training on every path: a loop, a scan, many devices, many processes."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_training import train

HERE = Path(__file__).parent
SCRIPT = HERE / "tiny_training.py"


@pytest.fixture(scope="module", autouse=True)
def compiled_once(tmp_path_factory):
    """Let all processes share what they compile: ten of them would take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("compiled")
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        yield


def start(folder, *options, **environment):
    paths = os.pathsep.join(map(str, (HERE.parent, HERE)))
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), *options],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    with process:
        out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def looped():
    return train()


def test_a_scanned_epoch_gives_the_losses_of_the_loop(looped):
    losses, _ = train(scan=True)
    assert losses == pytest.approx(looped[0], rel=1e-3)


def test_eight_devices_give_the_losses_of_one(looped, tmp_path):
    flags = "--xla_force_host_platform_device_count=8"
    found = finish(start(tmp_path, XLA_FLAGS=flags))
    assert found["devices"] == 8
    assert found["losses"] == pytest.approx(looped[0], rel=1e-3)


def test_two_processes_give_the_losses_of_one(looped, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    both = [
        start(
            tmp_path,
            JAX_COORDINATOR_ADDRESS=f"127.0.0.1:{port}",
            JAX_NUM_PROCESSES="2",
            JAX_PROCESS_ID=str(number),
        )
        for number in range(2)
    ]
    results = [finish(process) for process in both]
    for found in results:
        assert found["devices"] == 2
        assert found["losses"] == pytest.approx(looped[0], rel=1e-3)


def test_a_training_killed_at_random_ends_with_the_same_bits(tmp_path):
    chosen = random.Random(0)
    long = ("--epochs", "8")
    whole = finish(start(tmp_path / "whole", *long))
    folder = tmp_path / "killed"
    for _ in range(5):
        with start(folder, "--pause", "0.02", *long) as process:
            for _ in range(chosen.randint(2, 4)):
                line = process.stdout.readline()
                assert line == "step\n", process.stderr.read()
            # anywhere: within a step, while its state is written, between them
            time.sleep(chosen.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            process.communicate()
    again = finish(start(folder, *long))
    assert whole["first"] == [[1, 1]]
    assert again["first"] > [[1, 1]]
    assert again["weights"] == whole["weights"]
    assert again["losses"] == whole["losses"]
