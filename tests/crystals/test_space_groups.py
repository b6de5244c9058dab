import gemmi
import numpy as np
import pytest

from gromega.crystals.space_groups import (
    ENANTIOMORPHS,
    SYSTEMS,
    all_classes,
    bravais_lattice,
    class_number,
    class_of,
    class_symbol,
    common_supergroup,
    crystal_system,
    laue_class,
    most_populated,
    related,
    symbol,
    t_subgroups,
)


@pytest.mark.parametrize(
    ("space_group", "some"),
    [
        # the maximal t-subgroups of International Tables A1, and what follows
        (225, {202, 209, 216, 139, 166, 69, 71, 12, 2}),
        (62, {26, 31, 33, 19, 11, 14, 4, 7, 2}),
        (14, {4, 7, 2}),
        (166, {155, 160, 148, 12}),
        (2, set()),
    ],
)
def test_t_subgroups_are_those_of_the_tables(space_group, some):
    found = t_subgroups(space_group)
    assert some | {space_group, 1} <= found
    # none has more operations than the group itself, up to its lattice
    assert max(found) == space_group


def test_subgroups_of_another_lattice_are_none_of_them():
    # Pm-3m is a subgroup of Fm-3m, but with fewer translations
    assert 221 not in t_subgroups(225)
    assert t_subgroups(14) == {1, 2, 4, 7, 14}


def test_relations_go_either_way():
    assert related(14, 2)
    assert related(2, 14)
    assert not related(221, 225)
    # mirror images are one class: P3121 and P6222 through P3221
    assert related(152, 180) and related(180, 154)


def test_a_number_that_is_no_space_group_is_refused():
    with pytest.raises(ValueError, match="231"):
        t_subgroups(231)


def test_crystal_systems_begin_where_the_tables_say():
    firsts = np.array([first for _, first, _ in SYSTEMS])
    lasts = np.array([last for _, _, last in SYSTEMS])
    assert crystal_system(firsts).tolist() == list(range(7))
    assert crystal_system(lasts).tolist() == list(range(7))
    assert (firsts[1:] == lasts[:-1] + 1).all() and lasts[-1] == 230


def test_symbols_are_the_short_ones():
    expected = {1: "P1", 14: "P21/c", 62: "Pnma", 166: "R-3m", 225: "Fm-3m"}
    assert {number: symbol(number) for number in expected} == expected


@pytest.mark.parametrize(
    ("space_group", "lattice", "laue"),
    [
        (1, "aP", "-1"),
        (9, "mC", "2/m"),
        (38, "oC", "mmm"),
        (70, "oF", "mmm"),
        (88, "tI", "4/m"),
        (164, "hP", "-3m"),
        (166, "hR", "-3m"),
        (194, "hP", "6/mmm"),
        (227, "cF", "m-3m"),
    ],
)
def test_lattices_and_laue_classes_are_those_of_the_tables(space_group, lattice, laue):
    assert (bravais_lattice(space_group), laue_class(space_group)) == (lattice, laue)


def test_there_are_fourteen_bravais_lattices_and_eleven_laue_classes():
    assert len({bravais_lattice(n) for n in range(1, 231)}) == 14
    assert len({laue_class(n) for n in range(1, 231)}) == 11


@pytest.mark.parametrize(
    ("space_groups", "smallest"),
    [
        ([225, 139, 12], 225),
        ([139], 139),
        # both are maximal t-subgroups of Fm-3m
        ([166, 139], 225),
        # P and F lattices have no t-supergroup in common
        ([221, 225], None),
        # P62 has the subgroup P32, which is the mirror image of P31
        ([144, 171], 171),
    ],
)
def test_the_smallest_common_supergroup(space_groups, smallest):
    assert common_supergroup(space_groups) == smallest


def test_mirror_images_are_one_class():
    pairs = {group for pair in ENANTIOMORPHS.items() for group in pair}
    # the 22 groups of International Tables that have an enantiomorphic partner
    assert len(pairs) == 22
    assert class_of([152, 154, 225]).tolist() == [152, 152, 225]
    found = all_classes()
    assert len(found) == 219
    assert 152 in found
    assert 154 not in found


@pytest.mark.parametrize(("lower", "higher"), ENANTIOMORPHS.items())
def test_a_pair_differs_in_the_sense_of_its_screws_alone(lower, higher):
    one, other = (gemmi.find_spacegroup_by_number(number) for number in (lower, higher))
    assert not one.is_centrosymmetric()
    assert one.point_group_hm() == other.point_group_hm()
    assert one.hm != other.hm
    rotations = [sorted(str(op.rot) for op in g.operations()) for g in (one, other)]
    assert rotations[0] == rotations[1]


def test_a_pair_has_both_symbols_and_numbers():
    assert (class_symbol(152), class_number(152)) == ("P3121 / P3221", "152/154")
    assert (class_symbol(225), class_number(225)) == ("Fm-3m", "225")


def test_the_most_populated_classes_come_first():
    groups = [1, 1, 152, 154, 154, 225, 225, 2]
    assert most_populated(class_of(groups), 3).tolist() == [152, 1, 225]
