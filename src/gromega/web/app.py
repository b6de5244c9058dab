"""The application: what it takes, its limits, and what it answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from importlib import resources
from io import BytesIO
from typing import Annotated, Any

import anyio
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect

from gromega._util.parallel import n_cores
from gromega.measured.pdf import read_pdf
from gromega.model.matches import Library
from gromega.model.model import Model
from gromega.web.schema import ModelOut, PredictionOut, Problem

MAX_UPLOAD = 4 * 2**20
"""The largest file that is taken, bytes."""
MAX_WAITING = 128
"""The requests that may wait for an answer at a time; more are sent away."""
RECEIVE_SECONDS = 20.0
"""The time that a file may take to arrive, s."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; img-src data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""The names of this machine, as they stand in an address."""
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    408: {"model": Problem, "description": "The file took too long to arrive."},
    413: {"model": Problem, "description": "The file is too large."},
    422: {"model": Problem, "description": "It is no G(r), or an option is wrong."},
    503: {"model": Problem, "description": "Too many wait; try again in a second."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file as it is, also compressed by gzip; at most "
        f"{MAX_UPLOAD >> 20} MiB.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"}
            }
        },
    }
}


@dataclass(frozen=True)
class RequestOptions:
    """What is known of a file beyond its content: the options of `read_pdf`."""

    quantity: Annotated[
        str | None, Query(max_length=20, description="Such as G(r), as in the docs.")
    ] = None
    r_unit: Annotated[
        str | None, Query(max_length=20, description="The unit of r: Å, nm, pm.")
    ] = None
    composition: Annotated[
        str | None,
        Query(max_length=200, description="As in SrTiO3: a surer answer; or unknown."),
    ] = None
    number_density: Annotated[
        float | None, Query(description="Atoms per Å³, for g(r), T(r) and R(r).")
    ] = None
    rmin: Annotated[float | None, Query(description="Cut the data here, Å.")] = None
    rmax: Annotated[float | None, Query(description="Cut the data here, Å.")] = None
    qmin: Annotated[float | None, Query(description="Start of F(Q), Å⁻¹.")] = None
    qmax: Annotated[float | None, Query(description="End of F(Q), Å⁻¹.")] = None
    qdamp: Annotated[float | None, Query(description="Damping, Å⁻¹.")] = None
    qbroad: Annotated[float | None, Query(description="Broadening, Å⁻¹.")] = None
    radiation: Annotated[
        str | None, Query(max_length=20, description="xray or neutron.")
    ] = None

    def given(self) -> dict[str, Any]:
        """Return those that were given."""
        return {name: value for name, value in vars(self).items() if value is not None}


_OPTIONS = (
    "name",
    "coverage",
    "reliability",
    "explain",
    *(each.name for each in fields(RequestOptions)),
)


def _examples() -> dict[str, str]:
    folder = resources.files("gromega.web") / "examples"
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    return {
        entry.name: entry.read_text("utf-8")
        for entry in entries
        if entry.name.endswith(".gr")
    }


PAGE = resources.files("gromega.web").joinpath("page.html").read_text("utf-8")
EXAMPLES = _examples()
"""Simulated PDFs by name, to try the page with."""


class _Named(BytesIO):
    """A file in memory with a name, whose ending may tell what it holds."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


def make_app(
    model: Model, name: str, library: Library | None = None, any_host: bool = False
) -> FastAPI:
    """Return the application for one model.

    Nothing that is sent to it is kept or executed. Requests are answered on as many
    threads as there are cores.

    Parameters
    ----------
    model
        The model.
    name
        What it is called on the page.
    library
        The known crystals that are laid over PDFs.
    any_host
        Whether to answer under any host name, not those of this machine alone. A
        page elsewhere could reach a server on this machine through its own name
        (DNS rebinding), so names are checked unless a server is open to others.
    """
    waiting = 0
    threads: list[anyio.CapacityLimiter] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        threads.append(anyio.CapacityLimiter(n_cores()))
        yield

    app = FastAPI(
        title="gromega",
        summary="Space groups from atomic pair distribution functions.",
        description="Send a measured G(r), get its space groups with calibrated "
        "probabilities, and how far to trust them at the conditions of the file.",
        version="1",
        # The pages that FastAPI offers load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    if not any_host:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK))

    @app.middleware("http")
    async def headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    @app.exception_handler(RequestValidationError)
    async def explain(_: Request, error: RequestValidationError) -> JSONResponse:
        lines = [f"{e['loc'][-1]}: {e['msg']}" for e in error.errors()]
        return JSONResponse({"detail": "; ".join(lines) + "."}, 422)

    @app.get("/", include_in_schema=False)
    async def index() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @app.get("/api/model")
    async def about() -> ModelOut:
        """Say which model answers, and for which conditions it was trained."""
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
        """List simulated PDFs to try the page with."""
        return list(EXAMPLES)

    @app.get("/api/examples/{name}", response_class=PlainTextResponse)
    async def example(name: str) -> str:
        """Return one of the examples."""
        if name not in EXAMPLES:
            raise HTTPException(404, f"there is no example {name!r}.")
        return EXAMPLES[name]

    def answer(
        file: _Named,
        options: RequestOptions,
        coverage: float,
        reliability: bool,
        explain: bool,
    ) -> dict[str, Any]:
        pdf = read_pdf(file, **options.given())
        found = model.predict(pdf, coverage, reliability, explain, library)
        return found.to_mapping()

    @app.post(
        "/api/predict",
        response_model=PredictionOut,
        responses=_PROBLEMS,
        openapi_extra=_BODY,
    )
    async def predict(
        request: Request,
        options: Annotated[RequestOptions, Depends()],
        name: Annotated[
            str, Query(max_length=200, description="The name of the file.")
        ] = "the file",
        coverage: Annotated[
            float, Query(description="That of the prediction set, 0.9 or 0.95.")
        ] = 0.9,
        reliability: Annotated[
            bool, Query(description="Test the model at the conditions of the file.")
        ] = True,
        explain: Annotated[
            bool, Query(description="Find the most important r and the best matches.")
        ] = False,
    ) -> Response:
        """Rank the space groups of the measured PDF that the body holds."""
        nonlocal waiting
        _check_request(request)
        content = await _receive(request)
        if waiting >= MAX_WAITING:
            raise HTTPException(
                503, "too many wait for an answer; try again.", {"Retry-After": "1"}
            )
        waiting += 1
        file = _Named(content, name)
        call = partial(answer, file, options, coverage, reliability, explain)
        try:
            return JSONResponse(await run_sync(call, limiter=threads[0]))
        except ValueError as error:
            raise HTTPException(422, " ".join(str(error).split())) from None
        finally:
            waiting -= 1

    return app


def _check_request(request: Request) -> None:
    """Refuse options that there are not, and what a form sends."""
    for name in request.query_params:
        if name not in _OPTIONS:
            known = ", ".join(_OPTIONS)
            raise HTTPException(
                422, f"there is no option '{name[:40]}'; the options are {known}."
            )
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(
            422,
            "send the file as the body, as 'curl --data-binary @file' does, not as a "
            "form.",
        )


async def _receive(request: Request) -> bytes:
    """Return the body of a request, unless it is too large or takes too long."""
    too_large = HTTPException(
        413, f"a file may have {MAX_UPLOAD >> 20} MiB; give the G(r) alone, up to 30 Å."
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
        raise HTTPException(408, "the file took too long to arrive.") from None
    except ClientDisconnect:
        raise HTTPException(400, "the file did not arrive whole.") from None
    return bytes(content)
