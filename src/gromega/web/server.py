"""The server: opens a port and serves the application until it is interrupted."""

import contextlib
import io
import socket

import uvicorn

from gromega._util.progress import console
from gromega.measured.pdf import read_pdf
from gromega.model.matches import Library
from gromega.model.model import Model
from gromega.web.app import LOOPBACK, make_app
from gromega.web.page import EXAMPLES

_MOST_CONNECTIONS = 512
_KEEP_ALIVE = 5


def serve(
    model: Model, name: str, library: Library | None, host: str, port: int
) -> None:
    """Serve a model until Ctrl+C.

    Port 0 is any free one. A port that is taken, or an address that does not belong to
    this machine, raises OSError.
    """
    shown = f"[{host}]" if ":" in host else host
    local = shown in LOOPBACK
    app = make_app(model, name, library, any_host=not local)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise OSError(
            f"cannot listen at {host}, port {port} ({error}); give another --port or "
            "--host."
        ) from None
    with listening:
        # The first prediction takes longer: make it before there are users.
        model.predict(
            read_pdf(io.StringIO(next(iter(EXAMPLES.values())))), reliability=False
        )
        console.print(
            f"Serving at http://{shown}:{listening.getsockname()[1]}; stop with Ctrl+C."
            + ("" if local else " Everyone who can reach this machine can use it.")
        )
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False,
            limit_concurrency=_MOST_CONNECTIONS, timeout_keep_alive=_KEEP_ALIVE,
        )  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
