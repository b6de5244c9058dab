"""A child process that hangs, crashes or grows costs one crystal, and no more."""

from pathlib import Path

import files
import pytest
from files import POSCAR, cif

from gromega.crystals.ingest.worker import Limits, Sandbox

HOSTILE = [str(Path(files.__file__).parent / "hostile_child.py")]


@pytest.fixture
def hostile():
    sandbox = Sandbox(Limits(seconds=8.0), HOSTILE)
    yield sandbox
    sandbox.close()


def blocks(*names):
    return "".join(cif(name) for name in names).encode()


def reasons(records):
    return [record.get("reason", record["space_group"]) for record in records]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        # a library that loops: stopped
        ("loop", "time limit"),
        # a library that crashes: its process is gone
        ("crash", "crash"),
        # a library that raises what nobody expects: said
        ("raise", "crash"),
        # a library that takes all memory: the limit holds
        ("grow", "memory limit"),
    ],
)
def test_one_bad_block_costs_one_line(hostile, name, reason):
    records = list(hostile.examine("cif", blocks("good", name, "also_good"), {}))
    assert [r.get("reason") for r in records] == [None, reason, None]
    assert [r["block"] for r in records] == ["good", name, "also_good"]
    # and the next file is read as if nothing had been
    again = list(hostile.examine("cif", blocks("next"), {}))
    assert [r["space_group"] for r in again] == [225]


def test_what_a_library_prints_is_no_answer(hostile):
    records = list(hostile.examine("cif", blocks("print"), {}))
    assert [r["space_group"] for r in records] == [225]


def test_a_process_that_cannot_start_is_an_error():
    sandbox = Sandbox(Limits(), ["-c", "raise SystemExit(3)"])
    with pytest.raises(OSError, match=r"cannot be started \(status 3\)"):
        list(sandbox.examine("cif", blocks("halite"), {}))


def test_the_start_is_not_counted(monkeypatch):
    sandbox = Sandbox(Limits(seconds=0.5), HOSTILE)
    (record,) = sandbox.examine("cif", blocks("halite"), {})
    assert record["space_group"] == 225
    sandbox.close()


def test_a_child_that_does_not_read_is_stopped():
    program = ["-c", "print('ready', flush=True); import time; time.sleep(60)"]
    sandbox = Sandbox(Limits(seconds=0.5), program)
    (record,) = sandbox.examine("cif", b"#" * 2**22, {})
    assert record["reason"] == "time limit"
    sandbox.close()


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
