"""The application: page, HTTP interface and server of one model, with its limits."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from io import BytesIO, StringIO
from typing import Annotated, Any

import anyio
import uvicorn
from anyio.to_thread import run_sync
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect

from gromega._util.parallel import n_cores
from gromega._util.progress import console
from gromega.measured.examples import EXAMPLES
from gromega.measured.pdf import MeasuredPDF, read_pdf
from gromega.model.matches import Library
from gromega.model.model import Model
from gromega.web.options import RequestOptions
from gromega.web.page import PAGE, SCRIPT_HASH, STYLE_HASH
from gromega.web.schema import MeasuredOut, ModelOut, PredictionOut, Problem

MAX_UPLOAD = 4 * 2**20
"""The maximum size of a file, in bytes."""
MAX_WAITING = 128
"""The maximum number of requests that wait for a prediction at a time."""
RECEIVE_SECONDS = 20.0
"""The maximum time for receiving a file, in s."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""The host names of this machine in a URL."""
_MOST_CONNECTIONS = 512
_KEEP_ALIVE = 5
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_HASH}; "
    f"script-src {SCRIPT_HASH}; img-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    408: {"model": Problem, "description": "The file took too long to arrive."},
    413: {"model": Problem, "description": "The file is too large."},
    422: {"model": Problem, "description": "The file or an option is not valid."},
    503: {"model": Problem, "description": "Too many requests are waiting."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file, optionally compressed with gzip; at most "
        f"{MAX_UPLOAD >> 20} MiB.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"}
            }
        },
    }
}


class _NamedFile(BytesIO):
    """A file in memory with a name: its ending can state the quantity."""

    name: str


def make_app(
    model: Model, name: str, library: Library | None = None, any_host: bool = False
) -> FastAPI:
    """Return the application for one model.

    It neither stores nor executes what it receives. Predictions run on as many
    threads as there are cores.

    Parameters
    ----------
    model, name, library
        The model, its name on the page, and the known crystals to compare.
    any_host
        Whether to accept requests for any host name instead of `LOOPBACK` only. The
        check stops other web pages from reaching a local server through a name of
        their own (DNS rebinding), so turn it off only for a server open to others.
    """
    threads: list[anyio.CapacityLimiter] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threads.append(anyio.CapacityLimiter(n_cores()))
        yield

    app = FastAPI(
        title="gromega",
        summary="Space groups from atomic pair distribution functions.",
        description="Send a measured G(r). The response ranks the space groups of the "
        "model with calibrated probabilities, and estimates how reliable the "
        "prediction is at the conditions of the file.",
        version="1",
        # FastAPI's own pages of documentation load scripts from other sites.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    if not any_host:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))

    app.middleware("http")(_add_headers)
    app.exception_handler(RequestValidationError)(_report_invalid)
    _add_pages(app, model, name, library)
    _add_predictions(app, model, library, threads)
    return app


async def _add_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(_HEADERS)
    return response


async def _report_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    found = []
    for each in error.errors():
        name = str(each["loc"][-1])
        if each["type"] == "extra_forbidden":
            known = ", ".join(RequestOptions.model_fields)
            found.append(f"there is no option {name[:40]!r}; the options are {known}")
        else:
            found.append(f"{name}: {each['msg'].removeprefix('Value error, ')}")
    return JSONResponse({"detail": "; ".join(found) + "."}, 422)


def _add_pages(app: FastAPI, model: Model, name: str, library: Library | None) -> None:
    """Add the page, the facts about the model, and the examples."""

    @app.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @app.get("/api/model")
    async def about() -> ModelOut:
        """Return the name of the model, its space groups and training conditions."""
        return ModelOut(
            name=name,
            space_groups=model.space_groups.tolist(),
            box=model.box.to_mapping() if model.box else None,
            reliability=model.test_crystals is not None,
            composition=model.uses_compositions,
            library=len(library.ids) if library else 0,
        )

    @app.get("/api/examples")
    async def list_examples() -> list[str]:
        """List the names of the simulated PDFs."""
        return list(EXAMPLES)

    @app.get("/api/examples/{name}", response_class=PlainTextResponse)
    async def example(name: str) -> str:
        """Return a simulated PDF as a file."""
        if name not in EXAMPLES:
            raise HTTPException(
                404, f"there is no example {name!r}; /api/examples lists them."
            )
        return EXAMPLES[name]


def _add_predictions(
    app: FastAPI,
    model: Model,
    library: Library | None,
    threads: list[anyio.CapacityLimiter],
) -> None:
    """Add the prediction and the reading of files, on the threads of the server."""
    waiting = 0

    def make_prediction(content: bytes, options: RequestOptions) -> dict[str, Any]:
        prediction = model.predict(
            _read(content, options), options.coverage, options.reliability,
            options.explain, library, options.structure_type,
        )  # fmt: skip
        return prediction.to_mapping()

    async def in_turn(
        function: Callable[[bytes, RequestOptions], dict[str, Any]],
        request: Request,
        options: RequestOptions,
    ) -> JSONResponse:
        """Return what a function makes of the body, on one of the threads."""
        nonlocal waiting
        content = await _receive(request)
        if waiting >= MAX_WAITING:
            raise HTTPException(
                503, "too many requests are waiting; try again.", {"Retry-After": "1"}
            )
        waiting += 1
        try:
            return JSONResponse(
                await run_sync(function, content, options, limiter=threads[0])
            )
        except ValueError as error:
            raise HTTPException(422, " ".join(str(error).split())) from None
        finally:
            waiting -= 1

    @app.post(
        "/api/predict",
        response_model=PredictionOut,
        responses=_PROBLEMS,
        openapi_extra=_BODY,
    )
    async def predict(
        request: Request, options: Annotated[RequestOptions, Query()]
    ) -> Response:
        """Predict the space group of the measured PDF in the body."""
        return await in_turn(make_prediction, request, options)

    @app.post(
        "/api/pdf",
        response_model=MeasuredOut,
        responses=_PROBLEMS,
        openapi_extra=_BODY,
    )
    async def measured(
        request: Request, options: Annotated[RequestOptions, Query()]
    ) -> Response:
        """Return the measured PDF in the body as it was read, without a prediction."""
        return await in_turn(_measured, request, options)


def _read(content: bytes, options: RequestOptions) -> MeasuredPDF:
    file = _NamedFile(content)
    file.name = options.name
    return read_pdf(file, **options.for_reader())


def _measured(content: bytes, options: RequestOptions) -> dict[str, Any]:
    pdf = _read(content, options)
    r, g = ([float(f"{x:.6g}") for x in each.tolist()] for each in (pdf.r, pdf.g))
    return {"r": r, "g": g, "dialect": pdf.dialect, "notes": [*pdf.notes]}


async def _receive(request: Request) -> bytes:
    """Return the body of a request, unless it is a form, too large, or incomplete."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(
            422,
            "the body is a form; send the file itself, as in 'curl --data-binary "
            "@file'.",
        )
    too_large = HTTPException(
        413,
        f"the file is larger than {MAX_UPLOAD >> 20} MiB; send only G(r), up to 30 Å.",
    )
    content = bytearray()
    try:
        if int(request.headers.get("content-length", 0)) > MAX_UPLOAD:
            raise too_large
        async with asyncio.timeout(RECEIVE_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_UPLOAD:
                    raise too_large
    except TimeoutError:
        raise HTTPException(
            408, f"the file took more than {RECEIVE_SECONDS:g} s to arrive."
        ) from None
    except ClientDisconnect:
        raise HTTPException(400, "the file did not arrive completely.") from None
    return bytes(content)


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
            read_pdf(StringIO(next(iter(EXAMPLES.values())))), reliability=False
        )
        console.print(
            f"Serving at http://{shown}:{listening.getsockname()[1]}; stop with Ctrl+C."
            + ("" if local else " Everyone who can reach this machine can use it.")
        )
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False,
            limit_concurrency=_MOST_CONNECTIONS, timeout_keep_alive=_KEEP_ALIVE,
        )  # fmt: skip
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
