"""A download: complete, interrupted, resumed, limited, damaged."""

import pytest

from gromega.crystals.ingest.providers.download import (
    Database,
    Page,
    download,
    only_one,
)

DATABASE = Database("tst", "http://t", "0")
REQUEST = {"optimade": "tst", "filter": ""}


def rows(*names):
    return [{"id": name, "url": f"http://t/{name}"} for name in names]


class Reader:
    """A database of pages, which fails at some page."""

    def __init__(self, pages, total=None, fail_at=None, last=""):
        self.pages, self.total, self.fail_at, self.last = pages, total, fail_at, last
        self.asked = []

    def find(self):
        self.asked.append("find")
        return DATABASE

    def read(self, database, address):
        assert database == DATABASE
        self.asked.append(address)
        k = int(address)
        if k == self.fail_at:
            raise OSError("the server fails")
        following = str(k + 1) if k + 1 < len(self.pages) else self.last
        return Page(rows(*self.pages[k]), following, self.total)


def run(path, reader, limit=None, request=REQUEST):
    received = download(path, request, reader.find, reader.read, limit)
    return [entry["id"] for entry in received.entries()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "download.jsonl"


def test_all_pages_are_received_in_their_order(path):
    reader = Reader(["ba", "dc", "e"], total=5)
    assert run(path, reader) == list("badce")
    assert reader.asked == ["find", "0", "1", "2"]


def test_an_interrupted_download_resumes_with_the_same_bytes(path, tmp_path):
    pages = ["ab", "cd", "ef"]
    with pytest.raises(OSError, match="fails"):
        run(path, Reader(pages, fail_at=2))
    again = Reader(pages)
    assert run(path, again) == list("abcdef")
    assert again.asked == ["2"]
    whole = tmp_path / "whole.jsonl"
    run(whole, Reader(pages))
    assert path.read_bytes() == whole.read_bytes()
    # complete: nobody is asked
    last = Reader(pages)
    assert run(path, last) == list("abcdef")
    assert last.asked == []


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.95])
def test_a_file_that_was_cut_or_damaged_is_mended(path, keep):
    pages = ["ab", "cd", "ef"]
    run(path, Reader(pages))
    whole = path.read_bytes()
    start = whole.index(b"\n") + 1
    at = start + int(keep * (len(whole) - start))
    path.write_bytes(whole[:at])
    assert run(path, Reader(pages)) == list("abcdef")
    assert path.read_bytes() == whole
    flipped = bytearray(whole)
    flipped[at] ^= 1
    path.write_bytes(flipped)
    assert run(path, Reader(pages)) == list("abcdef")
    assert path.read_bytes() == whole


def test_a_start_that_was_cut_is_repeated(path):
    path.write_bytes(b"12345678 {")
    assert run(path, Reader(["ab"])) == ["a", "b"]


def test_a_file_of_the_user_stays(path):
    path.write_text("mine\n")
    with pytest.raises(ValueError, match=r"download\.jsonl"):
        run(path, Reader(["ab"]))
    assert path.read_text() == "mine\n"


def test_the_download_of_another_request_stays(path):
    with pytest.raises(OSError, match="fails"):
        run(path, Reader(["ab", "cd"], fail_at=1))
    before = path.read_bytes()
    with pytest.raises(ValueError, match='"filter": ""'):
        run(path, Reader(["ab"]), request={"optimade": "tst", "filter": "x=1"})
    assert path.read_bytes() == before


def test_a_failure_before_the_first_page_leaves_no_file(path):
    with pytest.raises(OSError, match="fails"):
        run(path, Reader(["ab"], fail_at=0))
    assert not path.exists()


def test_a_limit_ends_the_download_and_can_grow(path):
    pages = ["ab", "cd", "ef"]
    few = Reader(pages, total=6)
    assert run(path, few, limit=3) == ["a", "b", "c"]
    assert few.asked == ["find", "0", "1"]
    more = Reader(pages, total=6)
    assert run(path, more, limit=10) == list("abcdef")
    assert more.asked == ["2"]


def test_entries_that_are_sent_again_count_once(path):
    assert run(path, Reader(["ab", "bc"], total=3)) == ["a", "b", "c"]


def test_a_download_that_ends_early_does_not_pass_for_whole(path):
    reader = Reader(["ab", "cd"], total=5)
    with pytest.raises(ValueError, match="stated 5 entries and sent 4"):
        run(path, reader)
    with pytest.raises(ValueError, match="5"):
        run(path, Reader(["ab", "cd"], total=5), limit=5)
    # the way out that the message names
    assert run(path, reader, limit=4) == list("abcd")


def test_an_empty_page_is_the_last(path):
    assert run(path, Reader(["ab", ""], last="7")) == ["a", "b"]


def test_pages_that_repeat_are_an_error(path):
    with pytest.raises(ValueError, match="repeat"):
        run(path, Reader(["ab", "cd"], last="0"))


def test_no_entries_are_an_error_and_leave_no_file(path):
    with pytest.raises(ValueError, match="no such structure"):
        run(path, Reader([""], total=0))
    assert not path.exists()


def test_two_downloads_to_a_file_exclude_each_other(path, tmp_path):
    with only_one(path):
        with pytest.raises(OSError, match=r"download\.jsonl"), only_one(path):
            pass
        with only_one(tmp_path / "other.jsonl"):
            pass
    with only_one(path):
        pass
    assert not list(tmp_path.iterdir())
