"""A cluster makes the same bytes as one process, even after a worker died."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
from files import cif

from gromega._util.parallel import (
    in_threads,
    n_cores,
    n_workers,
    open_pool,
    open_processes,
    ordered_map,
    send,
)
from gromega.crystals.generate.recipe import SyntheticRecipe
from gromega.crystals.generate.synthetic import write_synthetic
from gromega.crystals.ingest.ingest import ingest_sources
from gromega.crystals.io.find import find_sources
from gromega.lake.spectra import write_spectra

# Dask leaves sockets and loops to the collector when a cluster goes down.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Return a folder of 120 CIF files, and a table of 60 crystals."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "cifs").mkdir()
    for k in range(120):
        content = cif(a=f"{5 + 0.15 * (k % 80):.2f}")
        (folder / "cifs" / f"{k:03}.cif").write_text(content)
    write_synthetic(folder / "made.parquet", SyntheticRecipe((14, 225, 62), 20, seed=0))
    return folder


def work(collection, out, scheduler, kill=None):
    """Ingest and make spectra, and return all bytes."""
    out.mkdir()
    with open_pool(scheduler) as pool:
        tally = ingest_sources(
            find_sources([collection / "cifs"]),
            out / "t.parquet",
            out / "q.csv",
            pool,
            report=kill and (lambda _: kill()),
        )
        table = collection / "made.parquet"
        write_spectra(out / "s.zarr", table, "xray", 20.0, pool)
    assert tally.files == 120
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out): path.read_bytes() for path in files}


def test_a_cluster_makes_the_same_bytes(tmp_path, cluster, collection):
    alone = work(collection, tmp_path / "alone", None)
    together = work(collection, tmp_path / "cluster", cluster.scheduler_address)
    assert together == alone
    assert Path("s.zarr/spectrum/c/0/0") in alone


def test_a_worker_that_dies_costs_nothing(tmp_path, cluster, collection):
    killed = []

    def kill():
        if not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    alone = work(collection, tmp_path / "alone", None)
    address = cluster.scheduler_address
    assert work(collection, tmp_path / "cluster", address, kill) == alone
    assert killed


def test_a_value_that_was_sent_outlives_the_workers(cluster):
    value = np.arange(2_000_000)
    with open_pool(cluster.scheduler_address) as pool:
        sent = send(pool, value)
        assert sent.result()[-1] == value[-1]
        for worker in cluster.workers.values():
            os.kill(worker.pid, signal.SIGKILL)
        # condition: a function that a worker can import
        found = ordered_map(pool, np.take, range(8), sent)
        assert list(found) == list(range(8))


def test_a_scheduler_that_is_not_there_is_named():
    with (
        pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"),
        open_pool("tcp://127.0.0.1:9"),
    ):
        pass


def test_results_come_in_order_and_few_are_ahead():
    started, lock = [], threading.Lock()

    def slow(k):
        with lock:
            started.append(k)
        time.sleep(0.002 * (k % 3))
        return k

    with open_pool() as pool:
        ahead = 4 * n_workers(pool)
        for k, result in enumerate(ordered_map(pool, slow, range(100))):
            assert result == k
            assert len(started) <= k + ahead + 1


def test_cores_are_those_that_were_lent(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3, 5, 7})
    assert n_cores() == 3


def test_a_process_that_dies_is_one_line():
    with pytest.raises(OSError, match="a process died"), open_processes() as pool:
        pool.submit(os._exit, 1).result()


@pytest.mark.parametrize("n", [1, 4, 5, 23])
def test_blocks_come_back_in_order(n):
    x = np.arange(2 * n).reshape(n, 2)
    blocks = in_threads(lambda block: 3 * block, x, 4)
    assert max(len(block) for block in blocks) <= 4
    np.testing.assert_array_equal(np.concatenate(blocks), 3 * x)


def test_one_block_runs_in_the_calling_thread():
    (thread,) = in_threads(lambda block: threading.current_thread(), np.zeros(4), 4)
    assert thread is threading.current_thread()


def test_an_error_in_a_block_is_raised():
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda block: 1 // int(block.min()), np.arange(9), 3)


def blas_threads():
    controller = threadpoolctl.ThreadpoolController().select(user_api="blas")
    return {each["num_threads"] for each in controller.info()}


def test_blas_has_one_thread_for_each_of_ours_until_the_last_call_ends():
    def block(x):
        # a call within a call: its end must not take the limit back
        in_threads(len, np.zeros(9), 3)
        return blas_threads()

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        assert in_threads(block, np.zeros(9), 3) == [{1}, {1}, {1}]
        assert blas_threads() == {2}
