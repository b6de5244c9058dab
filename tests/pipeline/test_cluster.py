"""Stages on a cluster write the bytes that they write on one machine."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from gromega._util.parallel import ADDRESS
from gromega.evaluation import predictions
from gromega.lake import pdfs
from gromega.lake.shards import ShardWriter
from gromega.model import fit

# Dask leaves sockets and loops to the collector when a cluster goes down.
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        "GROMEGA_CLUSTER_TEST" not in os.environ,
        reason="takes minutes; set GROMEGA_CLUSTER_TEST=1",
    ),
]
MADE = ("data/reference.zarr", "data/sweeps", "data/predictions", "models/current")
ON_CLUSTER = ("simulate", "calibrate", "evaluate", "simulate-sweep", "evaluate-sweep")


@pytest.fixture
def make(robust_project, tiny_recipe, tmp_path, monkeypatch, run):
    """Return a function that makes all again in a copy, and returns the bytes."""
    # Several blocks of the few crystals.
    monkeypatch.setattr(pdfs, "_ROWS", 5)
    monkeypatch.setattr(predictions, "_ROWS", 16)
    monkeypatch.setattr(fit, "_BLOCK", 4)

    def make_in(name):
        skip = shutil.ignore_patterns(".work")
        copy = shutil.copytree(robust_project, tmp_path / name, ignore=skip)
        monkeypatch.chdir(copy)
        for path in MADE:
            shutil.rmtree(path)
        run(*ON_CLUSTER)
        files = (f for path in MADE for f in Path(path).rglob("*") if f.is_file())
        return {str(path): path.read_bytes() for path in files}

    return make_in


def test_a_cluster_and_a_lost_worker_change_no_byte(make, cluster, monkeypatch):
    alone = make("alone")
    assert "data/predictions/sweeps/rmax.zarr/log_p_with_composition/c/0/0/0" in alone
    monkeypatch.setenv(ADDRESS, cluster.scheduler_address)
    add, blocks, killed = ShardWriter.add, [], []

    def add_and_kill(self, block):
        blocks.append(block)
        # In the middle of each store of PDFs and predictions.
        if len(blocks) % 7 == 3 and len(killed) < 2:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[-1], signal.SIGKILL)
        add(self, block)

    monkeypatch.setattr(ShardWriter, "add", add_and_kill)
    together = make("together")
    assert len(killed) == 2
    assert [name for name in alone if together[name] != alone[name]] == []
    assert set(together) == set(alone)
