"""The same training as a loop, as a scan, on many devices, in many processes."""

import multiprocessing
import os
import random
import socket
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_training import send_training

HERE = Path(__file__).parents[1] / "helpers"
# Processes are forked from one that has imported everything and run nothing.
CONTEXT = multiprocessing.get_context("forkserver")
# Optimizing the compiled code would take longer than running it.
QUICKLY = "--xla_backend_optimization_level=0"


@pytest.fixture(scope="module", autouse=True)
def prepared_once(tmp_path_factory):
    """Let all processes share imports and compiled code, to save minutes."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("compiled")
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(folder))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        # Before Python 3.13 the server has no other search path.
        paths = os.pathsep.join(map(str, (HERE.parent, HERE)))
        patch.setenv("PYTHONPATH", paths, prepend=os.pathsep)
        CONTEXT.set_forkserver_preload(["tiny_training"])
        yield


@contextmanager
def started(folder, environment=None, flags="", **options):
    """Train in a process; yield it, and the connection with its results."""
    results, sender = CONTEXT.Pipe(duplex=False)
    environment = {**(environment or {}), "XLA_FLAGS": f"{QUICKLY} {flags}"}
    process = CONTEXT.Process(
        target=send_training, args=(sender, folder, environment), kwargs=options
    )
    process.start()
    sender.close()
    try:
        with results:
            yield process, results
    finally:
        process.kill()
        process.join()


def result_of(process, results):
    """Return the result of a process, which must end without an error."""
    assert results.poll(300)
    found = results.recv()
    process.join(60)
    assert process.exitcode == 0
    return found


def finished(folder, **options):
    with started(folder, **options) as (process, results):
        return result_of(process, results)


@pytest.fixture(scope="module")
def looped(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("looped"))["losses"]


def test_a_scanned_epoch_gives_the_losses_of_the_loop(looped, tmp_path):
    found = finished(tmp_path, scan=True)
    assert found["losses"] == pytest.approx(looped, rel=1e-3)


def test_eight_devices_give_the_losses_of_one(looped, tmp_path):
    found = finished(tmp_path, flags="--xla_force_host_platform_device_count=8")
    assert found["devices"] == 8
    assert found["losses"] == pytest.approx(looped, rel=1e-3)


def test_two_processes_give_the_losses_of_one(looped, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    first, second = (
        {
            "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
            "JAX_NUM_PROCESSES": "2",
            "JAX_PROCESS_ID": str(number),
        }
        for number in range(2)
    )
    with started(tmp_path, first) as one, started(tmp_path, second) as other:
        for found in [result_of(*each) for each in (one, other)]:
            assert found["devices"] == 2
            assert found["losses"] == pytest.approx(looped, rel=1e-3)


def test_a_training_killed_at_random_ends_with_the_same_bits(tmp_path):
    chosen = random.Random(0)
    whole = finished(tmp_path / "whole", epochs=8)
    folder = tmp_path / "killed"
    for _ in range(5):
        with started(folder, epochs=8, pause=0.02) as (process, results):
            for _ in range(chosen.randint(2, 4)):
                assert results.recv() == "step"
            # anywhere: within a step, while its state is written, between them
            time.sleep(chosen.uniform(0, 0.1))
            process.kill()
    again = finished(folder, epochs=8)
    assert whole["first"] == [(1, 1)]
    assert again["first"] > [(1, 1)]
    assert again["weights"] == whole["weights"]
    assert again["losses"] == whole["losses"]
