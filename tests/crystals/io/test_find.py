"""Finding the files of a collection, in the order of their names."""

import gzip
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from files import cif

from gromega.crystals.io import find
from gromega.crystals.io.find import find_sources
from gromega.crystals.refusal import Reason
from gromega.crystals.table import write_table


def test_folders_are_searched_in_the_order_of_names(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("b/c/x.cif", "b/a.mcif", "POSCAR", "z.cif", "notes.txt", ".hidden"):
        (tmp_path / name).write_text(cif())
    found = list(find_sources([tmp_path]))
    names = ["POSCAR", "b/a.mcif", "b/c/x.cif", "notes.txt", "z.cif"]
    assert [source.name for source in found] == names
    # every file is accounted for
    refused = [source.refusal for source in found if source.refusal]
    assert [(one.file, one.reason) for one in refused] == [
        ("notes.txt", Reason.OTHER_KIND)
    ]


def test_rows_of_a_table_are_sources(tmp_path, small_table):
    write_table(small_table.slice(0, 2), tmp_path / "t.parquet")
    found = list(find_sources([tmp_path / "t.parquet"]))
    assert [source.kind for source in found] == ["row", "row"]
    names = [json.loads(source.content)["id"] for source in found]
    assert names == ["nickel-0", "nickel-1"]


def test_unreadable_files_are_refused_one_by_one(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "letter.parquet").write_text("dear reader")
    (folder / "gone.cif").symlink_to("nowhere")
    (folder / "again").symlink_to(folder)
    os.mkfifo(folder / "pipe.cif")
    Path(os.fsdecode(os.fsencode(folder) + b"/M\xfcller.cif")).write_text("x")
    (folder / "z.cif").write_text(cif())
    found = list(find_sources([folder]))
    # bytes that are not UTF-8 are escaped
    names = [one.name for one in found if not one.refusal]
    assert names == ["M\\xfcller.cif", "z.cif"]
    names = {one.name for one in found if one.refusal}
    assert names == {"again", "gone.cif", "letter.parquet", "pipe.cif"}


def test_collections_of_one_name_get_different_names(tmp_path):
    for k, place in enumerate(("a", "b")):
        folder = tmp_path / place / "cifs"
        folder.mkdir(parents=True)
        (folder / "x.cif").write_text(cif(a=f"{5 + k}"))
    paths = [tmp_path / place / "cifs" for place in ("a", "b")]
    names = [source.name for source in find_sources(paths)]
    assert names == ["cifs/x.cif", "cifs~2/x.cif"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        # a file of another kind
        ("x.doc", ValueError),
        # a table that is damaged
        ("x.parquet", ValueError),
        # nothing at all
        ("nowhere", FileNotFoundError),
    ],
)
def test_unusable_path_is_named(tmp_path, name, error):
    (tmp_path / "x.doc").write_text("dear reader")
    (tmp_path / "x.parquet").write_text("dear reader")
    with pytest.raises(error, match=name.split(".")[0]):
        find_sources([tmp_path / name])


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
    "out.zip": (lambda p: zipped(p, ["../../out.cif"]), "outside"),
    "root.zip": (lambda p: zipped(p, ["/etc/out.cif"]), "outside"),
    "drive.zip": (lambda p: zipped(p, ["C:\\out.cif"]), "outside"),
    "out.tar.gz": (
        lambda p: tarred(p, [tarfile.TarInfo("a/../../b.cif")]),
        "outside",
    ),
    # links, devices
    "link.tar.gz": (lambda p: tarred(p, [link("x.cif", tarfile.SYMTYPE)]), "a link"),
    "hard.tar.gz": (lambda p: tarred(p, [link("x.cif", tarfile.LNKTYPE)]), "a link"),
    "pipe.tar.gz": (lambda p: tarred(p, [link("x.cif", tarfile.FIFOTYPE)]), "a link"),
    "link.zip": (linked_zip, "a link"),
    # archives within archives
    "nested.zip": (nested, "a zip"),
    # bombs
    "bomb.zip": (
        lambda p: zipped(p, ["a.cif", "b.cif"], b"\0" * 150 * 2**20),
        "200 times",
    ),
    "bomb.tar.gz": (bomb_tar, "200 times"),
    # damaged
    "cut.zip": (lambda p: p.write_bytes(b"PK\x03\x04 and no more"), "damaged"),
    "cut.tar.gz": (lambda p: p.write_bytes(b"\x1f\x8b\x08 and no more"), "damaged"),
    "cut.tar.xz": (lambda p: p.write_bytes(b"\xfd7zXZ\x00 and no more"), "damaged"),
    "letter.tar": (lambda p: p.write_bytes(b"dear reader " * 100), "damaged"),
}


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_hostile_archives_are_refused(tmp_path, name):
    make, fragment = ARCHIVES[name]
    folder = tmp_path / "in"
    folder.mkdir()
    make(folder / name)
    (folder / "z.cif").write_text(cif())
    found = list(find_sources([folder]))
    assert [one.name for one in found if not one.refusal] == ["z.cif"]
    refusals = [one.refusal for one in found if one.refusal]
    refusals = [one for one in refusals if one.reason != Reason.OTHER_KIND]
    assert [refusal.reason for refusal in refusals] == [Reason.ARCHIVE]
    assert fragment in refusals[0].detail
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
    refused, read = find_sources([folder])
    assert (refused.name, read.name) == ("a.zip/a.cif", "a.zip/b.cif")
    assert "encrypted" in refused.refusal.detail


def test_compressed_files_count_as_what_they_inflate_to(tmp_path):
    zeros = gzip.compress(b"\0" * 60 * 2**20)
    zipped(tmp_path / "bomb.zip", [f"{k}.cif.gz" for k in range(4)], zeros)
    *_, last = find_sources([tmp_path / "bomb.zip"])
    assert last.refusal.reason is Reason.ARCHIVE
    assert "200 times" in last.refusal.detail


def test_number_of_files_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "MAX_FILES", 3)
    zipped(tmp_path / "many.zip", [f"{k}.cif" for k in range(9)])
    *read, last = find_sources([tmp_path / "many.zip"])
    assert len(read) == 3
    assert "3" in last.refusal.detail
