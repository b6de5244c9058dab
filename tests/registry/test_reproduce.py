"""Reproduction of a released model from its source and from what it carries."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from releasable import DATA, INFO, LINEAGE
from typer.testing import CliRunner

from gromega._util.manifest import write_manifest
from gromega._util.parallel import open_pool
from gromega.cli.main import app
from gromega.crystals.table import to_table, write_table
from gromega.lake.splits import write_split
from gromega.model.io import load_model, save_model
from gromega.registry.card import make_card, read_card, write_card
from gromega.registry.reproduce import (
    check_disjoint,
    reproduce_from_carried,
    reproduce_from_source,
)
from gromega.sweeps import get_sweep

BLANK = {"top1": 0.5, "top6": 0.5, "ece": 0.5, "n": 16}
KEYS = get_sweep("radiation").keys()


def metrics_of(rows):
    """Return the block ``metrics`` of a card from the scores of rows."""
    by_point = {}
    for row in rows:
        by_point.setdefault(row.where, {})[row.score] = row.found

    def both(where):
        known = by_point[f"{where}, with composition"]
        return {**by_point[where], "with_composition": known}

    reference = both("reference")
    known = reference.pop("with_composition")
    sweep = {key: both(f"radiation {key}") for key in KEYS}
    return {
        "reference": reference,
        "with_composition": known,
        "sweeps": {"radiation": sweep},
    }


def restate(path, card, metrics):
    write_card(path, {**card, "metrics": metrics})
    write_manifest(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory, model, classics):
    """A released model whose card states the scores that it has, and its crystals."""
    folder = tmp_path_factory.mktemp("made")
    path, table = folder / "models" / "tiny", folder / "crystals.parquet"
    # the neighbours are training crystals
    names = tuple(f"training-{name}" for name in model.neighbours.names)
    neighbours = replace(model.neighbours, names=names)
    facts = {"recipe": "small", "epochs": 1, "seed": 0, "n_train": 1}
    model = replace(model, neighbours=neighbours, training=facts)
    save_model(path, model)
    groups = model.space_groups[model.test_crystals.y]
    write_table(to_table(classics, groups), table)
    ids = [crystal.id for crystal in classics]
    write_split(path / "split.parquet", ids, groups, ["test"] * 16, "random", 0)
    both = {**BLANK, "with_composition": BLANK}
    sweeps = {"radiation": dict.fromkeys(KEYS, both)}
    metrics = {"reference": BLANK, "with_composition": BLANK, "sweeps": sweeps}
    part = {"train": 0, "validation": 0, "test": 16}
    counts = {str(group): part for group in np.unique(groups).tolist()}
    data = {**DATA, "by_space_group": counts}
    card = make_card(INFO, model, data, metrics, LINEAGE)
    restate(path, card, metrics)
    with open_pool() as pool:
        rows = list(reproduce_from_source(path, table, folder / "work", pool))
    # what was stated is wrong
    assert {row.where for row in rows if row.differs and row.score == "ece"}
    restate(path, card, metrics_of(rows))
    return folder


@pytest.fixture
def released(made, tmp_path, monkeypatch):
    shutil.copytree(made / "models", tmp_path / "models")
    shutil.copy(made / "crystals.parquet", tmp_path)
    monkeypatch.chdir(tmp_path)
    return Path("models/tiny")


def from_source(path):
    with open_pool() as pool:
        table = Path("crystals.parquet")
        return list(reproduce_from_source(path, table, Path("work"), pool))


def test_all_scores_are_found_again(released):
    rows = from_source(released)
    # the reference and two radiations, each without and with the composition
    assert len(rows) == 6 * 4
    assert not any(row.differs for row in rows)
    assert {row.found for row in rows if row.score == "n"} == {16}


def test_the_carried_crystals_have_the_same_scores_within_their_errors(released):
    rows = list(reproduce_from_carried(released))
    assert len(rows) == 6 * 2
    assert not any(row.differs for row in rows)


def test_defects_are_not_compared_with_pdfs_that_have_none(released):
    card = read_card(released)
    sweeps = {"second_phase": dict.fromkeys(("0.0", "0.4"), BLANK)}
    restate(released, card, {**card["metrics"], "sweeps": sweeps})
    where = {row.where for row in reproduce_from_carried(released)}
    assert where == {"reference", "reference, with composition", "second_phase 0.0"}


@pytest.mark.parametrize("change", [-0.003, 0.003])
def test_a_score_that_is_another_one_differs(released, change):
    card = read_card(released)
    score = card["metrics"]["sweeps"]["radiation"]["neutron"]
    score["top6"] += change if score["top6"] < 0.5 else -abs(change)
    restate(released, card, card["metrics"])
    (row,) = (row for row in from_source(released) if row.differs)
    assert (row.where, row.score) == ("radiation neutron", "top6")


def test_test_crystals_among_the_neighbours_are_refused(released):
    model = load_model(released)
    check_disjoint(released, model, ["iron"])
    with pytest.raises(ValueError, match=r"1 test crystals.*'training-iron'"):
        check_disjoint(released, model, ["training-iron", "iron"])


def test_damaged_files_are_refused(released):
    (released / "split.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match=r"split\.parquet"):
        list(reproduce_from_carried(released))


def test_without_its_split_the_table_must_be_that_of_the_card(released):
    card = read_card(released)
    (released / "split.parquet").unlink()
    restate(released, card, card["metrics"])
    with pytest.raises(ValueError, match=r"crystals\.parquet"):
        from_source(released)


def test_the_command_prints_a_row_for_each_score_and_ends_with_a_status(released):
    runner = CliRunner()
    done = runner.invoke(app, ["reproduce", "tiny", "--source", "crystals.parquet"])
    assert done.exit_code == 0
    assert "24 of 24" in done.stdout
    card = read_card(released)
    card["metrics"]["reference"]["ece"] += 0.01
    restate(released, card, card["metrics"])
    done = runner.invoke(app, ["reproduce", "tiny", "--source", "crystals.parquet"])
    assert done.exit_code == 1
    assert "23 of 24" in done.stdout
