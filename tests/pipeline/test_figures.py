from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["crystals", "uiso", "rmax"])
def test_figures_are_svg_and_png(inside, name):
    assert Path(f"metrics/figures/{name}.svg").is_file()
    assert Path(f"metrics/figures/{name}.png").is_file()
