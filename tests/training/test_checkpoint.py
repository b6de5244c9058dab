import logging

import numpy as np
import orbax.checkpoint as ocp
import pytest

from gromega.training.checkpoint import Checkpoints, fingerprint

STATE = {"a": np.arange(20_000.0)}
EMPTY = {"a": np.zeros(20_000)}


def test_the_latest_state_is_restored(tmp_path):
    checkpoints = Checkpoints(tmp_path / "state")
    assert checkpoints.restore(EMPTY) is None
    for step in (1, 2, 3):
        checkpoints.save(step, {"a": step * STATE["a"]})
    found = Checkpoints(tmp_path / "state").restore(EMPTY)
    np.testing.assert_array_equal(found["a"], 3 * STATE["a"])


def test_two_states_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "state")
    for step in (1, 2, 3):
        checkpoints.save(step, STATE)
    names = [path.name for path in (tmp_path / "state").iterdir()]
    assert sorted(names) == ["2", "3"]


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoints = Checkpoints(None)
    checkpoints.save(1, STATE)
    assert checkpoints.restore(EMPTY) is None
    assert not list(tmp_path.iterdir())


def test_a_state_is_due_after_the_shortest_time(tmp_path):
    assert Checkpoints(None, every=0.0).due()
    assert not Checkpoints(None, every=60.0).due()


def test_a_failed_write_keeps_the_last_state_and_is_one_error(
    tmp_path, monkeypatch, caplog
):
    folder = tmp_path / "state"
    Checkpoints(folder).save(1, STATE)
    checkpoints = Checkpoints(folder)

    def fail(self, step, **_):
        # as Orbax on a full disk: it writes a part, logs each array, and raises
        (folder / f"{step}.orbax-checkpoint-tmp").mkdir()
        logging.getLogger("absl").error("a traceback")
        raise ValueError("RESOURCE_EXHAUSTED: Failed writing: No space left on device")

    monkeypatch.setattr(ocp.CheckpointManager, "save", fail)
    with pytest.raises(OSError, match=r"state: .*\(No space left on device\)"):
        checkpoints.save(2, STATE)
    assert not caplog.records
    assert [path.name for path in folder.iterdir()] == ["1"]
    found = Checkpoints(folder).restore(EMPTY)
    np.testing.assert_array_equal(found["a"], STATE["a"])


def test_the_fingerprint_depends_on_every_part(tmp_path):
    file, array = tmp_path / "a.py", np.arange(6)
    file.write_text("x = 1")
    first = fingerprint(file, array, "small")
    assert first == fingerprint(file, array.copy(), "small")
    assert first != fingerprint(file, array, "robust")
    # the same bytes as another shape or type
    assert first != fingerprint(file, array.reshape(2, 3), "small")
    assert first != fingerprint(file, array.view(np.uint64), "small")
    file.write_text("x = 2")
    assert first != fingerprint(file, array, "small")
