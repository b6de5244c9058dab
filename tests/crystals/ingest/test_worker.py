"""Worker processes: a child that hangs, crashes or grows costs one crystal."""

from pathlib import Path

import files
import pytest
from files import POSCAR, cif

from gromega.crystals.ingest.worker import Limits, WorkerProcess

HOSTILE = [str(Path(files.__file__).parent / "hostile_child.py")]


@pytest.fixture
def hostile():
    worker = WorkerProcess(Limits(seconds=8.0), HOSTILE)
    yield worker
    worker.close()


def blocks(*names):
    return "".join(cif(name) for name in names).encode()


def reasons(records):
    return [record.get("reason", record["space_group"]) for record in records]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        # a library that loops: killed
        ("loop", "time limit"),
        # a library that crashes: its process is replaced
        ("crash", "crash"),
        # a library that raises an unexpected error: reported
        ("raise", "crash"),
        # a library that takes all memory: the limit holds
        ("grow", "memory limit"),
    ],
)
def test_one_bad_block_costs_one_line(hostile, name, reason):
    records = list(hostile.examine("cif", blocks("good", name, "also_good"), {}))
    assert [r.get("reason") for r in records] == [None, reason, None]
    assert [r["block"] for r in records] == ["good", name, "also_good"]
    # the next file is examined as usual
    again = list(hostile.examine("cif", blocks("next"), {}))
    assert [r["space_group"] for r in again] == [225]


def test_output_of_a_library_does_not_mix_with_replies(hostile):
    records = list(hostile.examine("cif", blocks("print"), {}))
    assert [r["space_group"] for r in records] == [225]


def test_a_process_that_cannot_start_is_an_error():
    worker = WorkerProcess(Limits(), ["-c", "raise SystemExit(3)"])
    with pytest.raises(OSError, match="status 3"):
        list(worker.examine("cif", blocks("halite"), {}))


def test_the_start_does_not_count_towards_the_limit():
    worker = WorkerProcess(Limits(seconds=0.5), HOSTILE)
    (record,) = worker.examine("cif", blocks("halite"), {})
    assert record["space_group"] == 225
    worker.close()


def test_a_child_that_does_not_read_is_stopped():
    program = ["-c", "print('ready', flush=True); import time; time.sleep(60)"]
    worker = WorkerProcess(Limits(seconds=0.5), program)
    (record,) = worker.examine("cif", b"#" * 2**22, {})
    assert record["reason"] == "time limit"
    worker.close()


def test_closing_ends_what_is_being_examined(hostile):
    records = hostile.examine("cif", blocks("good", "loop", "also_good"), {})
    assert next(records)["block"] == "good"
    hostile.close()
    with pytest.raises(OSError, match="interrupted"):
        next(records)


def test_files_are_read_one_after_another(hostile):
    (record,) = hostile.examine("poscar", POSCAR.encode(), {})
    assert (record["space_group"], record["structure_type"]) == (225, "AB_225_a_b")
    (record,) = hostile.examine("cif", b"dear reader", {})
    assert record["reason"] == "unreadable"


def test_an_interrupted_worker_starts_no_process():
    worker = WorkerProcess(Limits())
    worker.close()
    with pytest.raises(OSError, match="interrupted"):
        list(worker.examine("cif", blocks("halite"), {}))
