import socket

import pytest

from gromega.web.app import serve


def test_a_taken_port_is_named(model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            serve(model, "tiny", None, "127.0.0.1", port)
