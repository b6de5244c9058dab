import json

import pytest

from gromega._util.manifest import check_manifest, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "weights").write_bytes(b"weights")
    (tmp_path / "part" / "config").write_bytes(b"config")
    write_manifest(tmp_path)
    return tmp_path


def test_all_files_are_listed(folder):
    content = json.loads((folder / "manifest.json").read_text())
    assert list(content["sha256"]) == ["part/config", "weights"]
    check_manifest(folder)


@pytest.mark.parametrize("name", ["weights", "part/config", "manifest.json"])
def test_every_flipped_bit_is_found(folder, name):
    content = (folder / name).read_bytes()
    for position in range(len(content)):
        for bit in (1, 4, 32):
            damaged = bytearray(content)
            damaged[position] ^= bit
            (folder / name).write_bytes(damaged)
            with pytest.raises(ValueError, match=folder.name):
                check_manifest(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda f: (f / "weights").unlink(), "weights: missing"),
        (lambda f: (f / "manifest.json").unlink(), r"manifest\.json"),
        (lambda f: (f / "more").write_text(""), "more: not listed"),
        # nested too deeply for the parser
        (lambda f: (f / "manifest.json").write_text("[" * 100_000), r"manifest\.json"),
        # a file outside of the folder is not read
        (
            lambda f: (f / "manifest.json").write_text(
                json.dumps({"format": "gromega manifest 1", "sha256": {"../x": ""}})
            ),
            r"\.\./x: missing",
        ),
    ],
)
def test_missing_and_other_files_are_named(folder, change, named):
    change(folder)
    with pytest.raises(ValueError, match=named):
        check_manifest(folder)


def test_only_the_named_files_are_checked(folder):
    (folder / "part" / "config").write_bytes(b"other")
    (folder / "more").write_text("")
    check_manifest(folder, ["weights"])
    with pytest.raises(ValueError, match="config"):
        check_manifest(folder, ["weights", "part/config"])
