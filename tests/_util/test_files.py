import hashlib
import os
import platform
import resource
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from gromega._util.files import new_path, sha256, write_in, write_json, write_whole


def test_text_and_bytes_are_written_with_their_folders(tmp_path):
    write_whole(tmp_path / "a" / "b.txt", "Å\n")
    write_whole(tmp_path / "a" / "b.bin", b"\x00\xff")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "Å\n".encode()
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"\x00\xff"
    assert len(list((tmp_path / "a").iterdir())) == 2


@pytest.fixture
def nearly_full():
    """A limit of 1000 bytes a file, as a full disk has none left."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The signal would end the process.
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("nearly_full")
def test_a_file_that_does_not_fit_is_named_and_the_one_before_stays(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"n": 1})
    with pytest.raises(OSError, match=r"x\.json: cannot be written \(File too large"):
        write_json(path, {"n": "1" * 2000})
    assert path.read_text() == '{\n  "n": 1\n}\n'
    with pytest.raises(OSError, match=r"y\.txt: cannot be written"):
        write_whole(tmp_path / "y.txt", "1" * 2000)
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_a_folder_in_the_place_of_a_file_is_left_alone(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match=r"x: cannot be written \(Is a directory"):
        write_whole(tmp_path / "x", "1")
    assert (tmp_path / "x").is_dir()


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "x.txt"
    link.symlink_to("there/y.txt")
    for content in ("first", "second"):
        write_whole(link, content)
        assert link.is_symlink()
        assert (tmp_path / "there" / "y.txt").read_text() == content


def test_a_device_is_written_to_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "some")
    reader.join(10)
    assert heard == ["some"]
    assert pipe.is_fifo()


def make(path, content):
    """Write a file, or a folder with one file."""
    if path.name.startswith("folder"):
        path.mkdir()
        path /= "file"
    path.write_text(content)


def content_of(path):
    return (path / "file" if path.is_dir() else path).read_text()


@pytest.fixture(params=["file", "folder"])
def path(request, tmp_path):
    return tmp_path / "new" / request.param


def test_a_new_path_replaces_the_old_one_at_the_end(path):
    for content in ("first", "second"):
        with new_path(path) as partial:
            make(partial, content)
            assert path.exists() == (content == "second")
        assert content_of(path) == content
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_an_interrupted_write_leaves_the_old_one(path):
    with new_path(path) as partial:
        make(partial, "old")

    def write():
        with new_path(path) as partial:
            make(partial, "new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert content_of(path) == "old"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_two_processes_write_apart(path, monkeypatch):
    with new_path(path) as mine:
        make(mine, "mine")
        with monkeypatch.context() as patch:
            # a process that runs
            patch.setattr("os.getpid", lambda: 1)
            with new_path(path) as other:
                make(other, "other's")
        assert content_of(path) == "other's"
    assert content_of(path) == "mine"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_killed_processes_of_this_machine_left_is_removed(path):
    done = subprocess.Popen(["true"])
    done.wait()
    host = platform.node()
    left = [
        f"{path.name}.{host}-{done.pid}.partial",
        f"{path.name}.{host}-{done.pid}.old.partial",
        # kept: of a process that runs, of another machine, of another path
        f"{path.name}.{host}-1.partial",
        f"{path.name}.another{host}-{done.pid}.partial",
        f"another-{path.name}.{host}-{done.pid}.partial",
    ]
    path.parent.mkdir()
    for name in left:
        (path.parent / name).mkdir()
        (path.parent / name / "half").write_text("half")
    with new_path(path) as partial:
        make(partial, "whole")
    assert {p.name for p in path.parent.iterdir()} == {path.name, *left[2:]}
    assert content_of(path) == "whole"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes a folder, and returns where it was meanwhile."""
    monkeypatch.chdir(tmp_path)

    def write(path):
        with new_path(path) as partial:
            partial.mkdir()
            write_json(partial / "file.json", path.name)
            place = partial.parent
        assert (path / "file.json").read_text() == f'"{path.name}"\n'
        assert [p.name for p in path.parent.iterdir()] == [path.name]
        return place

    return write


def test_a_folder_for_the_unfinished_keeps_that_of_a_path_clean(written, tmp_path):
    work = Path("work")
    with write_in(work):
        places = [written(Path(name)) for name in ("a/x", "b/x", "a/x")]
        assert [place.name for place in places] == ["a", "b", "a"]
        assert all(work in place.parents for place in places)
        # condition: a path that is elsewhere
        assert written(tmp_path / "c/x") == tmp_path / "c"
    assert list(work.iterdir()) == []
    assert written(Path("d/x")) == Path("d")


def test_a_path_on_another_disk_is_written_beside_it(written, tmp_path):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk")
    with tempfile.TemporaryDirectory(dir=other) as folder, write_in(Path("work")):
        Path("a").symlink_to(folder)
        assert written(Path("a/x")) == Path("a")


def test_only_what_ended_processes_left_unfinished_is_removed(tmp_path):
    done = subprocess.Popen(["true"])
    done.wait()
    host = platform.node()
    # kept: of a process that runs, of another machine
    kept = [f"{host}-1", f"another{host}-{done.pid}"]
    for name in (f"{host}-{done.pid}", f"{host}-{os.getpid()}", *kept):
        (tmp_path / name / "data").mkdir(parents=True)
    with write_in(tmp_path):
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


@pytest.mark.usefixtures("nearly_full")
def test_a_full_disk_names_the_path_and_leaves_nothing(path):
    def write():
        with new_path(path) as partial:
            make(partial, "1" * 2000)

    with pytest.raises(OSError, match=path.name):
        write()
    assert list(path.parent.iterdir()) == []


def test_the_hash_of_a_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert sha256(path) == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(FileNotFoundError, match="x: there is no such file"):
        sha256(tmp_path / "none" / "x")
