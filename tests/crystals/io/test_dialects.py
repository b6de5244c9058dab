"""Known crystals in random dialects; `experiments/fuzz_crystals.py` reads many more."""

from cif_dialects import difference, write
from hypothesis import given, settings
from hypothesis import strategies as st

from gromega.crystals.io.cif import read_block
from gromega.crystals.io.cif_text import structure_blocks
from gromega.crystals.refusal import Reason, RefusedError


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 20_000))
def test_a_known_crystal_is_read_right_or_refused(seed):
    known = write(seed)
    try:
        (block,) = structure_blocks(known.text.encode())
        found = read_block(block).crystal
    except RefusedError:
        return
    assert not known.wrong, known.text
    assert not difference(known, found), known.text


def test_most_dialects_are_taken():
    refused = []
    for seed in range(60):
        known = write(seed)
        if known.wrong:
            continue
        try:
            (block,) = structure_blocks(known.text.encode())
            read_block(block)
        except RefusedError as error:
            refused.append(error.reason)
    # a number alone, and one of two origins, are not certain
    assert len(refused) < 15
    assert refused.count(Reason.NO_SYMMETRY) > len(refused) / 2
