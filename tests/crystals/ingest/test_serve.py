"""The child of a worker process: tasks in, records out."""

import io
import json

from files import cif

from gromega.crystals.ingest import validate
from gromega.crystals.ingest.serve import DONE, READY, serve


def replies_to(content, skip=0):
    """Return the replies to one task, without the marks around them."""
    task = {"kind": "cif", "options": {}, "skip": skip, "size": len(content)}
    replies = io.BytesIO()
    serve(io.BytesIO(json.dumps(task).encode() + b"\n" + content), replies)
    first, *lines, last = replies.getvalue().splitlines(keepends=True)
    assert (first, last) == (READY, DONE)
    return [json.loads(line) for line in lines]


def test_blocks_are_named_before_their_records():
    names, *records = replies_to((cif("one") + cif("two", a="7")).encode())
    assert names == {"blocks": ["one", "two"]}
    assert [record["block"] for record in records] == ["one", "two"]
    assert [record["space_group"] for record in records] == [225, 225]


def test_skipped_blocks_have_no_record():
    _, *records = replies_to((cif("one") + cif("two")).encode(), skip=1)
    assert [record["block"] for record in records] == ["two"]


def test_unreadable_file_has_one_record_and_no_blocks():
    refusal, names = replies_to(b"dear reader")
    assert refusal["reason"] == "unreadable"
    assert names == {"blocks": []}


def test_unexpected_error_and_lack_of_memory_cost_one_record(monkeypatch):
    raised = iter([KeyError("odd"), MemoryError()])

    def fail(*_):
        raise next(raised)

    monkeypatch.setattr(validate, "examine", fail)
    _, *records = replies_to((cif("one") + cif("two")).encode())
    assert [record["reason"] for record in records] == ["crash", "memory limit"]
    assert "KeyError" in records[0]["detail"]
