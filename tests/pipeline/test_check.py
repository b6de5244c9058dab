import pytest

from gromega.pipeline.check import CHECKED


def test_the_out_is_the_same_for_all_valid_parameters(new_project, run):
    new_project()
    run("check")
    before = CHECKED.read_bytes()
    new_project(train={"recipe": "robust", "epochs": 3}, sweep={"param": "qmin"})
    run("check")
    assert CHECKED.read_bytes() == before


def test_an_unknown_recipe_is_an_error(new_project, run):
    new_project(train={"recipe": "big"})
    with pytest.raises(ValueError, match="'big'"):
        run("check")
    assert not CHECKED.exists()
