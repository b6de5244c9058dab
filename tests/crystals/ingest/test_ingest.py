"""Ingest: every input goes into the table or into the quarantine."""

import csv
import io
import json
import tarfile
import zipfile
from collections import Counter

import pytest
from files import HOSTILE, POSCAR, ROCK_SALT, cif

from gromega._util.parallel import open_pool
from gromega.crystals.ingest.ingest import ingest_sources, new_quarantine
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.io.find import find_sources
from gromega.crystals.refusal import Reason, Refusal
from gromega.crystals.table import crystals_of, read_table, write_table


def run(tmp_path, *paths, **options):
    out, quarantine = tmp_path / "out.parquet", tmp_path / "quarantine.csv"
    with open_pool() as pool:
        tally = ingest_sources(
            find_sources(paths), out, quarantine, pool, IngestOptions(**options)
        )
    with quarantine.open(newline="") as file:
        refused = list(csv.DictReader(file))
    return read_table(out), refused, tally


def test_folders_archives_and_tables_are_read(tmp_path, small_table):
    folder = tmp_path / "collection"
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "deep" / "deeper" / "halite.cif").write_text(cif())
    (folder / "POSCAR_sylvite").write_text(POSCAR.replace("Na", "K"))
    (folder / "notes.txt").write_text("not a crystal")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("a/KF.cif", cif(atoms=ROCK_SALT.replace("Cl", "F")))
    with tarfile.open(folder / "last.tar.gz", "w:gz") as archive:
        content = (cif("one", a="4.2", group="P m -3 m") + cif("two", a="7")).encode()
        info = tarfile.TarInfo("two.cif")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    write_table(small_table.slice(8, 1), folder / "table.parquet")
    table, refused, tally = run(tmp_path, folder)
    assert table["id"].to_pylist() == [
        "POSCAR_sylvite",
        "deep/deeper/halite.cif",
        "last.tar.gz/two.cif#one",
        "last.tar.gz/two.cif#two",
        "more.zip/a/KF.cif",
        "iron-0",
    ]
    assert table["source"].to_pylist()[-2:] == ["more.zip/a/KF.cif", "table.parquet"]
    assert table["space_group"].to_pylist() == [225, 225, 221, 225, 225, 229]
    assert table["structure_type"][2].as_py() == "AB_221_a_b"
    # primitive cells
    assert [len(c.numbers) for c in crystals_of(table)] == [2, 2, 2, 2, 2, 1]
    assert (tally.files, tally.accepted) == (6, 6)
    assert [row["file"] for row in refused] == ["notes.txt"]


def test_a_bad_block_loses_no_neighbour(tmp_path):
    good = [cif("one", a="4.2", group="P m -3 m"), cif("my two", a="7")]
    bad = "data_bad\nloop_\n_cell_length_a\n_cell_length_b\n1 2 3\n"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.cif").write_text(good[0] + bad + good[1])
    table, refused, tally = run(tmp_path, tmp_path / "in")
    assert table["id"].to_pylist() == ["x.cif#one", "x.cif#my_two"]
    assert [(row["block"], row["reason"]) for row in refused] == [("bad", "unreadable")]
    line = int(refused[0]["detail"].split(":")[1])  # of the file
    first = good[0].count("\n") + 1
    assert first < line <= first + bad.count("\n")
    assert tally.files == 1


def test_isotopes_are_kept_and_are_no_duplicates(tmp_path):
    (tmp_path / "in").mkdir()
    for name, kind in (("a", "H"), ("b", "D"), ("c", "2H")):
        text = cif(a="4.07", atoms=f"Li1 Li 0 0 0 1\nH1 {kind} 0.5 0.5 0.5 1")
        (tmp_path / "in" / f"{name}.cif").write_text(text)
    table, refused, _ = run(tmp_path, tmp_path / "in")
    assert table["formula"].to_pylist() == ["HLi", "DLi"]
    assert table["masses"].to_pylist() == [[], [0, 2]]
    assert [row["detail"] for row in refused] == ["of b.cif"]
    hydride, deuteride = crystals_of(table)
    assert hydride.masses.tolist() == [0, 0]
    assert deuteride.nuclides.tolist() == [3, 2001]


def test_notes_are_counted(tmp_path):
    (tmp_path / "in").mkdir()
    atoms = ROCK_SALT + "\nCg1 X 0.25 0.25 0.25 1"
    (tmp_path / "in" / "x.cif").write_text(cif(atoms=atoms))
    _, _, tally = run(tmp_path, tmp_path / "in")
    assert tally.accepted == 1
    assert list(tally.summary()["notes"].values()) == [1]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return what came of a folder of hostile files, all read at once."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "in").mkdir()
    for name, (content, _) in HOSTILE.items():
        content = content if isinstance(content, bytes) else content.encode()
        (folder / "in" / name).write_bytes(content)
    (folder / "in" / "good.cif").write_text(cif())
    return run(folder, folder / "in", inorganic=True)


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_files_are_refused_for_their_reason(hostile, name):
    _, refused, _ = hostile
    found = [(row["reason"], row["detail"]) for row in refused if row["file"] == name]
    assert [reason for reason, _ in found] == [HOSTILE[name][1].value], found
    assert "\n" not in found[0][1]


def test_good_file_among_hostile_ones_is_accepted(hostile):
    table, refused, tally = hostile
    assert table["id"].to_pylist() == ["good.cif"]
    assert tally.files == len(HOSTILE) + 1 == len(refused) + 1


@pytest.mark.parametrize(
    "content",
    [
        # UTF-16 with a mark, as a spreadsheet writes it
        cif().encode("utf-16"),
        # UTF-8 with a mark
        cif().encode("utf-8-sig"),
        # Latin-1, an author's name
        cif().encode() + "_publ_author_name 'Müller'\n".encode("latin-1"),
        # uncertainties in parentheses
        cif(a="5.640(2)", atoms=ROCK_SALT.replace("0.5", "0.500(3)")).encode(),
        # lines end as on Windows, or as on old Macs
        cif().replace("\n", "\r\n").encode(),
        cif().replace("\n", "\r").encode(),
        # one atom in a cell
        cif(group="F m -3 m", atoms="Cu1 Cu 0 0 0 1").encode(),
        # thirds with few digits, where the site is special
        cif(group="F m -3 m", atoms="Cu1 Cu 0.0004 0 0 1").encode(),
        # alternatives that are both given as full: the first is kept
        cif(atoms="Na1 Na 0 0 0 1 1\nK1 K 0 0 0.01 1 2\nCl1 Cl 0.5 0.5 0.5 1 0")
        .replace("occupancy\n", "occupancy\n_atom_site_disorder_group\n")
        .encode(),
    ],
)
def test_unusual_but_valid_files_are_accepted(tmp_path, content):
    path = tmp_path / "odd.cif"
    path.write_bytes(content)
    table, refused, _ = run(tmp_path, path)
    assert not refused
    assert table["space_group"].to_pylist() == [225]


def test_equal_structures_are_accepted_once(tmp_path):
    # another cell edge by 0.5 %, another origin, another cell: the same; by 5 %: not
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.cif").write_text(cif())
    (folder / "2.cif").write_text(cif(a="5.67"))
    swapped = "Na1 Na 0.5 0.5 0.5 1\nCl1 Cl 0 0 0 1"
    (folder / "3.cif").write_text(cif(atoms=swapped))
    (folder / "POSCAR").write_text(POSCAR)
    (folder / "x.cif").write_text(cif(a="5.92"))
    table, refused, _ = run(tmp_path, folder)
    assert table["id"].to_pylist() == ["1.cif", "x.cif"]
    assert Counter((r["reason"], r["detail"]) for r in refused) == {
        ("duplicate", "of 1.cif"): 3
    }


def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(40):
        (folder / f"{k:02}.cif").write_text(cif(a=f"{5 + 0.15 * (k % 20):.2f}"))
    written = []
    for n in (1, 3):
        monkeypatch.setattr("gromega._util.parallel.n_cores", lambda n=n: n)
        run(tmp_path, folder)
        names = ("out.parquet", "quarantine.csv")
        written.append([(tmp_path / name).read_bytes() for name in names])
    assert written[0] == written[1]
    assert b"of 00.cif" in written[0][1]


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    (tmp_path / "a.cif").write_text(cif())

    def interrupt(_):
        raise KeyboardInterrupt

    out, quarantine = tmp_path / "out.parquet", tmp_path / "q.csv"
    with pytest.raises(KeyboardInterrupt), open_pool() as pool:
        sources = find_sources([tmp_path / "a.cif"])
        ingest_sources(sources, out, quarantine, pool, report=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["a.cif"]


def test_crystals_of_the_open_database(tmp_path, shared):
    archive = shared / "data" / "cif" / "cod-open-crystals.tar.gz"
    table, refused, tally = run(tmp_path, archive)
    assert tally.files == table.num_rows + len(refused) == 326
    duplicates = sum(row["reason"] == "duplicate" for row in refused)
    assert table.num_rows + duplicates >= 0.95 * 326
    assert tally.agree >= 0.97 * tally.stated
    assert json.dumps(tally.summary())


def test_missing_path_leaves_no_table(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run(tmp_path, tmp_path / "nowhere")
    assert not list(tmp_path.iterdir())


def test_counts_are_shown_as_text(tmp_path):
    (tmp_path / "a.cif").write_text(cif())
    (tmp_path / "b.cif").write_text(cif())
    _, _, tally = run(tmp_path, tmp_path / "a.cif", tmp_path / "b.cif")
    counts, agreement = tally.lines()
    assert "2 files" in counts
    assert "1 duplicate" in counts
    assert "2 of 2" in agreement


def test_refusals_are_rows(tmp_path):
    refusal = Refusal("a.cif", "b, c", Reason.OVERLAP, 'Na and "Cl"')
    with new_quarantine(tmp_path / "q.csv") as refuse:
        refuse(refusal)
    with (tmp_path / "q.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["file", "block", "reason", "detail"]
    assert tuple(row.values()) == tuple(refusal)


def test_interrupted_quarantine_leaves_no_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_quarantine(tmp_path / "q.csv"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
