"""Operations that files list, and settings that their symbols and numbers mean."""

import re
from contextlib import suppress
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from gromega.crystals.io.operations import Operations, read_operations
from gromega.crystals.refusal import Reason, RefusedError

_NUMBER_TAGS = (
    "_space_group_IT_number",
    "_symmetry_Int_Tables_number",
    "_symmetry_space_group_IT_number",
)
_SYMBOL_TAGS = (
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_ref",
    "_space_group_name_H-M_full",
    "_space_group_name_H-M",
)
_OPERATION_TAGS = (
    "_space_group_symop_operation_xyz",
    "_symmetry_equiv_pos_as_xyz",
    # Atoms of a magnetic structure have the operations without their time reversal.
    "_space_group_symop_magn_operation_xyz",
)
_CENTRING_TAG = "_space_group_symop_magn_centering_xyz"
_MODULATED = (
    "_cell_modulation_dimension",
    "_cell_wave_vector_seq_id",
    "_cell_wave_vector_x",
    "_space_group_ssg_IT_number",
    "_space_group_ssg_name",
    "_space_group_ssg_name_IT",
    "_space_group_ssg_name_WJJ",
    "_space_group_symop_ssg_operation_algebraic",
)
_HALL_TAGS = ("_space_group_name_Hall", "_symmetry_space_group_name_Hall")
# The endings of the ICSD: S and Z are the origins 1 and 2, H and HR hexagonal axes.
_ENDINGS = {"S": "1", "Z": "2", "H": "H", "HR": "H", "R": "R", "O1": "1", "O2": "2"}
_ENDING = re.compile(r"^(.+?)\s*:?\s*(HR|H|R|S|Z|O1|O2)$")
_ELEMENT = re.compile(r"-[1346]|[2346][1-5]?(?:/[a-en])?(?:/m)?|[a-emn]|1")


def _value(block: gemmi.cif.Block, tags: tuple[str, ...]) -> str:
    values = (gemmi.cif.as_string(block.find_value(tag) or "") for tag in tags)
    return next((text.strip() for text in values if text.strip(" ?.")), "")


def listed_operations(block: gemmi.cif.Block) -> Operations | None:
    """Return the operations that a block lists, or None; refuse unreadable ones."""

    def values(tag: str) -> tuple[str, ...]:
        texts = (gemmi.cif.as_string(text) for text in block.find_values(tag))
        return tuple(text for text in texts if text.strip(" ?."))

    texts = next(filter(None, map(values, _OPERATION_TAGS)), ())
    return read_operations(texts, values(_CENTRING_TAG)) if texts else None


def refuse_modulated(block: gemmi.cif.Block) -> None:
    """Refuse a modulated structure, whose atoms are those of its average."""
    for tag in _MODULATED:
        if set(block.find_values(tag)) - {"?", ".", "0"}:
            raise RefusedError(Reason.NOT_PERIODIC, f"a modulated structure ({tag})")


def stated_number(block: gemmi.cif.Block) -> int:
    """Return the space group number of a block, or 0."""
    number = gemmi.cif.as_number(_value(block, _NUMBER_TAGS) or "?")
    whole = 1 <= number <= 230 and number == round(number)
    return int(number) if whole else 0


def stated_symbol(block: gemmi.cif.Block) -> str:
    """Return the Hermann-Mauguin symbol of a block, or else the one of Hall."""
    return _value(block, _SYMBOL_TAGS) or _value(block, _HALL_TAGS)


def stated_settings(
    block: gemmi.cif.Block, lattice: NDArray[np.float64]
) -> list[gemmi.SpaceGroup]:
    """Return the settings that the symbols or the number of a block can mean.

    A Hall symbol means one setting; a Hermann-Mauguin symbol that contradicts it adds
    its own, and may mean two settings with different origins. The lattice, (3, 3),
    shows the axes of R and of a monoclinic group. A number means all
    settings that the lattice allows.
    """
    hall, symbol = _value(block, _HALL_TAGS), _value(block, _SYMBOL_TAGS)
    named = _named(symbol, lattice) if symbol else []
    if hall:
        with suppress(ValueError, RuntimeError):
            operations = gemmi.symops_from_hall(hall)
            group = gemmi.find_spacegroup_by_ops(operations)
            if group is not None:
                same = not named or group.xhm() in [x.xhm() for x in named]
                return [group] if same else [group, *named]
    if symbol:
        return named
    number = 0 if hall else stated_number(block)
    numbered = [group for group in _table() if group.number == number]
    return [group for group in numbered if operations_of(group).fits(lattice)]


def other_origin(settings: list[gemmi.SpaceGroup]) -> gemmi.SpaceGroup | None:
    """Return the setting with the other origin if the one given has two, or None."""
    if len(settings) != 1 or settings[0].ext not in ("1", "2"):
        return None
    name = settings[0].xhm()
    other = "2" if settings[0].ext == "1" else "1"
    return next((x for x in _table() if x.xhm() == name[:-1] + other), None)


def operations_of(group: gemmi.SpaceGroup) -> Operations:
    """Return the operations of a setting."""
    return _operations_of(group.xhm())


@lru_cache(600)
def _operations_of(name: str) -> Operations:
    operations = gemmi.SpaceGroup(name).operations()
    return read_operations(tuple(op.triplet() for op in operations))


@lru_cache(1)
def _table() -> list[gemmi.SpaceGroup]:
    """Return all settings, each once."""
    return list({group.xhm(): group for group in gemmi.spacegroup_table()}.values())


def _monoclinic() -> list[gemmi.SpaceGroup]:
    return [group for group in _table() if 3 <= group.number <= 15]


def _named(symbol: str, lattice: NDArray[np.float64]) -> list[gemmi.SpaceGroup]:
    found, certain = _find(symbol, lattice)
    if found is None:
        # P 21/b is P 1 1 21/b.
        same = [x for x in _monoclinic() if _short(x.hm) == _short(symbol)]
        return [x for x in same if operations_of(x).fits(lattice)][:1]
    if certain:
        return [found]
    other = other_origin([found])
    if other is not None:
        return [found, other]
    if 3 <= found.number <= 15 and _tokens(symbol) < 4:
        same = [x for x in _monoclinic() if _short(x.hm) == _short(found.hm)]
        return [x for x in same if operations_of(x).fits(lattice)][:1] or [found]
    return [found]


def _find(
    symbol: str, lattice: NDArray[np.float64]
) -> tuple[gemmi.SpaceGroup | None, bool]:
    """Return the setting of a symbol, and whether the symbol states its origin."""
    text = re.sub(r"[\[{(][a-zA-Z]{3,}.*$", "", symbol).replace("_", "")
    # 2(1) is 21, and P 21 /c is P 21/c.
    text = re.sub(r"\((\d)\)", r"\1", text)
    text = re.sub(r"\s*/\s*", "/", text).strip()
    text = text[:1].upper() + text[1:]
    ending = _ENDING.match(text.upper())
    tries = [(text, ":" in text)]
    if ending:
        bare = text[: len(ending[1])]
        tries += [(f"{bare}:{_ENDINGS[ending[2]]}", True), (bare, False)]
    unit = lattice / np.linalg.norm(lattice, axis=1)[:, None]
    alpha, gamma = np.degrees(np.arccos([unit[1] @ unit[2], unit[0] @ unit[1]]))
    for name, certain in tries:
        bare, colon, ext = name.partition(":")
        for each in (name, f"{_abbreviated(bare)}{colon}{ext}"):
            group = gemmi.find_spacegroup_by_name(each, float(alpha), float(gamma))
            if group is not None and not _is_split(bare, group.hm):
                return group, certain
    return None, False


def _is_split(symbol: str, hm: str) -> bool:
    """Return whether a symbol has blanks that make other axes: P 3 2 is not P 32."""
    words, others = symbol.split()[1:], hm.replace("-", "").split()[1:]
    return 1 < len(words) <= 3 and any(x.isdigit() and x not in others for x in words)


def _tokens(symbol: str) -> int:
    """Return the number of parts of a symbol with blanks, or of P12/m1, 4."""
    return max(len(symbol.split()), 1 + len(_ELEMENT.findall(symbol[1:])))


def _short(symbol: str) -> str:
    """Return a monoclinic symbol without the axes that have no symmetry."""
    first, *others = symbol.split()
    return first + "".join(x for x in others if x != "1")


def _abbreviated(symbol: str) -> str:
    """Return the short form of a full symbol: Fm-3m of F 4/m -3 2/m."""
    lattice, rest = symbol[:1].upper(), symbol[1:].lower()
    words = rest.split()
    parts = words if len(words) > 1 else _ELEMENT.findall(rest)
    if "".join(parts) != "".join(words):
        return symbol
    if len(parts) > 1 and parts[1].lstrip("-") == "3":
        # Cubic; -3 is its second axis.
        kept = [part.rpartition("/")[2] for part in parts]
    elif parts and parts[0][:1] in "46-3":
        kept = [parts[0], *(part.rpartition("/")[2] for part in parts[1:])]
    elif len(parts) == 3 and all("/" in part for part in parts):
        kept = [part.rpartition("/")[2] for part in parts]
    else:
        return symbol
    return " ".join([lattice, *kept])
