import numpy as np
import pytest
from wave_training import network, waves

from gromega.networks.inference import Compiled
from gromega.networks.logits import ranks
from gromega.training.history import Epoch, accuracies, summarize, write_history

HISTORY = [Epoch(1, 1.1, 0.5, 0.8), Epoch(2, 0.9, 0.7, 0.9), Epoch(3, 0.8, 0.7, 0.8)]


def test_epochs_are_compared_by_the_mean_of_both_accuracies():
    assert Epoch(1, 0.0, 0.6, 0.9).mean_top1 == 0.6
    assert Epoch(1, 0.0, 0.6, 0.9, 0.4, 0.8).mean_top1 == pytest.approx(0.5)


def test_the_history_is_a_table_with_empty_cells_without_a_box(tmp_path):
    write_history(tmp_path / "h.csv", HISTORY)
    assert (tmp_path / "h.csv").read_text().splitlines() == [
        "epoch,loss,top1,top6,box_top1,box_top6",
        "1,1.1,0.5,0.8,,",
        "2,0.9,0.7,0.9,,",
        "3,0.8,0.7,0.8,,",
    ]


def test_accuracies_are_those_of_the_ranking():
    part = waves(64, 1)
    log_p = Compiled(network()).predict(part.g)
    expected = [np.mean(ranks(log_p, part.y) < k) for k in (1, 6)]
    assert accuracies(network(), part) == pytest.approx(expected)


def test_the_summary_names_the_first_best_epoch_and_scores_the_network():
    found = summarize(HISTORY, network(), 256, waves(64, 1), waves(64, 2))
    assert found["best_epoch"] == 2
    assert (found["n_train"], found["n_validation"]) == (256, 64)
    for key, part in (("validation", waves(64, 1)), ("validation_box", waves(64, 2))):
        top1, top6 = accuracies(network(), part)
        assert found[f"{key}_top1"] == pytest.approx(top1, abs=1e-6)
        assert found[f"{key}_top6"] == pytest.approx(top6, abs=1e-6)


def test_without_a_box_the_summary_has_none():
    assert not any(
        "box" in key for key in summarize(HISTORY, network(), 9, waves(8, 1))
    )
