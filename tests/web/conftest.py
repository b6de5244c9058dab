import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gromega.measured.examples import EXAMPLES
from gromega.model.io import save_model
from gromega.model.library_io import write_library
from gromega.web.app import MAX_UPLOAD


@pytest.fixture(scope="package")
def address(model, library, tmp_path_factory):
    """The URL of a server in a process of its own."""
    folder = tmp_path_factory.mktemp("serve")
    save_model(folder / "tiny", model)
    write_library(folder / "library.parquet", library)
    command = [
        str(Path(sys.executable).with_name("gromega")), "serve", "--port", "0",
        "--model", str(folder / "tiny"), "--library", str(folder / "library.parquet"),
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        line = running.stderr.readline()
        found = re.match(r".*?(http://127\.0\.0\.1:\d+)", line)
        if not found:
            running.kill()
            pytest.fail(line + running.stderr.read())
        yield found[1]
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert (running.returncode, rest) == (0, "")


@pytest.fixture
def files(tmp_path):
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "wrong.gr").write_text("<script>alert(1)</script>")
    (tmp_path / "huge.gr").write_bytes(b"1.5 0.1\n" * (MAX_UPLOAD // 8 + 1))
    return tmp_path
