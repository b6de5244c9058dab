"""Ingest: every input ends in the table or in the quarantine, with a reason."""

import csv
import gzip
import io
import json
import os
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from files import HOSTILE, POSCAR, ROCK_SALT, cif

from gromega._util.parallel import open_pool
from gromega.crystals.ingest.ingest import ingest
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.io import archives as sources
from gromega.crystals.table import crystals_of, read_table, write_table


def run(tmp_path, *paths, **options):
    out, quarantine = tmp_path / "out.parquet", tmp_path / "quarantine.csv"
    with open_pool() as pool:
        tally = ingest(paths, out, quarantine, pool, IngestOptions(**options))
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
    assert (tally.files, tally.taken, len(refused)) == (5, 6, 0)


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


def test_a_good_file_among_hostile_ones_is_taken(hostile):
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
def test_odd_files_that_are_right_are_taken(tmp_path, content):
    path = tmp_path / "odd.cif"
    path.write_bytes(content)
    table, refused, _ = run(tmp_path, path)
    assert not refused
    assert table["space_group"].to_pylist() == [225]


def test_the_same_structure_is_taken_once(tmp_path):
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


def zipped(path, names, content=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, cif() if content is None else content)


def tarred(path, members):
    with tarfile.open(path, "w:gz") as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(b"\0" * info.size))


def link(name, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


def nested(path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.cif", cif())
    zipped(path, ["inner.zip"], inner.getvalue())


def linked_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("passwd.cif")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")


def bomb_tar(path):
    # a file of another kind that must be inflated to get past it
    info = tarfile.TarInfo("zeros.bin")
    info.size = 400 * 2**20
    tarred(path, [info])


ARCHIVES = {
    # a path that leads outside
    "out.zip": (lambda p: zipped(p, ["../../out.cif"]), "a path that leads outside"),
    "root.zip": (lambda p: zipped(p, ["/etc/out.cif"]), "a path that leads outside"),
    "drive.zip": (lambda p: zipped(p, ["C:\\out.cif"]), "a path that leads outside"),
    "out.tar.gz": (
        lambda p: tarred(p, [tarfile.TarInfo("a/../../b.cif")]),
        "a path that leads outside",
    ),
    # links, devices
    "link.tar.gz": (lambda p: tarred(p, [link("x.cif", tarfile.SYMTYPE)]), "a link"),
    "hard.tar.gz": (lambda p: tarred(p, [link("x.cif", tarfile.LNKTYPE)]), "a link"),
    "pipe.tar.gz": (lambda p: tarred(p, [link("x.cif", tarfile.FIFOTYPE)]), "a link"),
    "link.zip": (linked_zip, "a link or a device"),
    # archives within archives
    "nested.zip": (nested, "a zip within an archive: unpack it first"),
    # bombs
    "bomb.zip": (
        lambda p: zipped(p, ["a.cif", "b.cif"], b"\0" * 150 * 2**20),
        "inflates to more than 200 times its size",
    ),
    "bomb.tar.gz": (bomb_tar, "inflates to more than 200 times its size"),
    # damaged
    "cut.zip": (lambda p: p.write_bytes(b"PK\x03\x04 and no more"), "damaged"),
    "cut.tar.gz": (lambda p: p.write_bytes(b"\x1f\x8b\x08 and no more"), "damaged"),
    "cut.tar.xz": (lambda p: p.write_bytes(b"\xfd7zXZ\x00 and no more"), "damaged"),
    "letter.tar": (lambda p: p.write_bytes(b"dear reader " * 100), "damaged"),
}


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_hostile_archives_are_refused(tmp_path, name):
    make, message = ARCHIVES[name]
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder / name)
    (folder / "z.cif").write_text(cif())
    table, refused, _ = run(tmp_path, folder)
    assert table["id"].to_pylist() == ["z.cif"]
    rows = [row for row in refused if row["reason"] == "archive refused"]
    assert len(rows) == 1
    assert message in rows[0]["detail"]
    assert not list(tmp_path.rglob("out.cif"))


def encrypted(path):
    zipped(path, ["a.cif"])
    content = bytearray(path.read_bytes())
    # the flag of an encrypted member, in its own header and in the directory
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(content))


def nameless(path):
    info = tarfile.TarInfo("./")
    info.type = tarfile.REGTYPE
    tarred(path, [info])


def test_one_bad_member_does_not_lose_the_others(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    encrypted(folder / "a.zip")
    with zipfile.ZipFile(folder / "a.zip", "a") as archive:
        archive.writestr("b.cif", cif())
    table, refused, _ = run(tmp_path, folder)
    assert table["id"].to_pylist() == ["a.zip/b.cif"]
    assert [row["file"] for row in refused] == ["a.zip/a.cif"]
    assert "encrypted" in refused[0]["detail"]


def test_compressed_files_count_as_what_they_inflate_to(tmp_path):
    zeros = gzip.compress(b"\0" * 60 * 2**20)
    zipped(tmp_path / "bomb.zip", [f"{k}.cif.gz" for k in range(4)], zeros)
    _, refused, _ = run(tmp_path, tmp_path / "bomb.zip")
    assert "inflates to more than 200 times" in refused[-1]["detail"]


def test_what_cannot_be_read_costs_one_line(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "letter.parquet").write_text("dear reader")
    (folder / "gone.cif").symlink_to("nowhere")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.cif")
    Path(os.fsdecode(os.fsencode(folder) + b"/M\xfcller.cif")).write_text("x")
    nameless(folder / "nameless.tar.gz")
    (folder / "z.cif").write_text(cif())
    table, refused, _ = run(tmp_path, folder)
    assert table["id"].to_pylist() == ["z.cif"]
    names = {row["file"] for row in refused}
    assert {
        "M\\xfcller.cif",
        "again",
        "gone.cif",
        "letter.parquet",
        "pipe.cif",
    } <= names


def test_collections_of_one_name_are_told_apart(tmp_path):
    for k, place in enumerate(("a", "b")):
        folder = tmp_path / place / "cifs"
        folder.mkdir(parents=True)
        (folder / "x.cif").write_text(cif(a=f"{5 + k}"))
    paths = [tmp_path / place / "cifs" for place in ("a", "b")]
    table, _, tally = run(tmp_path, *paths)
    assert table["source"].to_pylist() == ["cifs/x.cif", "cifs~2/x.cif"]
    assert tally.files == 2


def test_caps_on_count_and_size(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_FILES", 3)
    monkeypatch.setattr(sources, "MAX_FILE", 2000)
    zipped(tmp_path / "many.zip", [f"{k}.cif" for k in range(9)])
    (tmp_path / "long.cif").write_text(cif() + "# " * 1000)
    table, refused, _ = run(tmp_path, tmp_path / "many.zip", tmp_path / "long.cif")
    assert table.num_rows == 1
    details = [row["detail"] for row in refused if row["reason"] != "duplicate"]
    assert details == ["more than 3 files", "larger than 0 MiB: split it"]


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


def test_missing_and_unknown_paths_are_said_at_once(tmp_path):
    (tmp_path / "x.doc").write_text("dear reader")
    with pytest.raises(ValueError, match=r"x\.doc: not a CIF file, a POSCAR"):
        run(tmp_path, tmp_path / "x.doc")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        run(tmp_path, tmp_path / "nowhere")
    assert not (tmp_path / "out.parquet").exists()


def test_an_interrupt_leaves_nothing_half_written(tmp_path):
    (tmp_path / "a.cif").write_text(cif())

    def interrupt(_):
        raise KeyboardInterrupt

    out, quarantine = tmp_path / "out.parquet", tmp_path / "q.csv"
    with pytest.raises(KeyboardInterrupt), open_pool() as pool:
        ingest([tmp_path / "a.cif"], out, quarantine, pool, report=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["a.cif"]


def test_crystals_of_the_open_database(tmp_path, shared):
    archive = shared / "data" / "cif" / "cod-open-crystals.tar.gz"
    table, refused, tally = run(tmp_path, archive)
    assert tally.files == table.num_rows + len(refused) == 326
    duplicates = sum(row["reason"] == "duplicate" for row in refused)
    assert table.num_rows + duplicates >= 0.95 * 326
    assert tally.agree >= 0.97 * tally.stated
    assert json.dumps(tally.summary())
