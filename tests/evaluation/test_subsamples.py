import numpy as np
import pytest

from gromega.evaluation.subsamples import (
    read_subsamples,
    subsample_rows,
    subsample_scores,
    write_subsamples,
)


def test_a_subsample_is_a_tenth_without_repeats():
    rows = subsample_rows(8438)
    assert rows.shape == (100, 844)
    assert all(len(set(row)) == 844 for row in rows)
    assert rows.min() >= 0 and rows.max() < 8438
    assert (rows[0] != rows[1]).any()
    np.testing.assert_array_equal(rows, subsample_rows(8438))
    # each crystal about as often as any other
    counts = np.bincount(rows.ravel(), minlength=8438)
    assert counts.mean() == pytest.approx(10, rel=0.01)
    assert counts.std() == pytest.approx(3, rel=0.1)


def test_scores_are_shares_of_the_valid_crystals():
    ranks = np.array([0, 5, 6, 0])
    rows = np.array([[0, 1], [2, 3], [1, 3]])
    found = subsample_scores(ranks, np.ones(4, bool), rows)
    assert found["top1"].tolist() == [0.5, 0.5, 0.5]
    assert found["top6"].tolist() == [1.0, 0.5, 1.0]
    valid = np.array([True, False, True, True])
    assert subsample_scores(ranks, valid, rows)["top6"].tolist() == [1.0, 0.5, 1.0]
    assert subsample_scores(ranks, valid, rows)["top1"].tolist() == [1.0, 0.5, 1.0]


def test_the_spread_is_that_of_the_hypergeometric_distribution():
    ranks = (np.arange(4000) % 4 > 0).astype(np.int64)
    found = subsample_scores(
        ranks, np.ones(4000, bool), subsample_rows(4000, count=2000)
    )
    assert found["top1"].mean() == pytest.approx(0.25, abs=0.002)
    expected = np.sqrt(0.25 * 0.75 / 400 * 3600 / 3999)
    assert found["top1"].std() == pytest.approx(expected, rel=0.06)


def test_subsamples_are_read_as_they_were_written(tmp_path, generator):
    subsamples = {
        ("rmax", key): {"top1": generator.random(5), "top6": generator.random(5)}
        for key in ("10", "12")
    }
    write_subsamples(tmp_path / "subsamples.parquet", subsamples)
    again = read_subsamples(tmp_path / "subsamples.parquet")
    assert list(again) == list(subsamples)
    for point, accuracies in subsamples.items():
        for name, values in accuracies.items():
            np.testing.assert_array_equal(again[point][name], values)
