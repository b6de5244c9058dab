"""Commands that fetch crystals from databases on the web: optimade, mp."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gromega.cli.app import Group
from gromega.cli.crystals import Table, check_table

if TYPE_CHECKING:
    from gromega.crystals.ingest.providers.client import Client
    from gromega.crystals.ingest.providers.download import Find, Read

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Fetch crystals from a database on the web, and check them as ingest does.",
)
Limit = Annotated[
    int | None, typer.Option(min=1, help="Fetch at most this number of entries.")
]
Inorganic = Annotated[bool, typer.Option(help="Refuse hydrogen-rich organics.")]
Force = Annotated[
    bool, typer.Option("--force", help="Replace the files of an earlier table.")
]


@app.command(
    epilog="Example: gromega fetch optimade cod --filter 'elements HAS ONLY "
    '"Ti","O"\' --out tio.parquet'
)
def optimade(
    database: Annotated[
        str,
        typer.Argument(
            metavar="URL_OR_PROVIDER",
            help="The address of an OPTIMADE database, or a provider: cod, mp, "
            "alexandria/alexandria-pbe, oqmd, ...",
        ),
    ],
    out: Table = Path("crystals.parquet"),
    filter: Annotated[
        str,
        typer.Option(help="The filter, such as 'nelements=2'. The default is all."),
    ] = "",
    observed: Annotated[
        bool | None,
        typer.Option(
            "--observed/--theoretical",
            help="Whether the crystals are known from experiment. OPTIMADE does not "
            "say; the default is that those of cod are, and no others.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = None,
    inorganic: Inorganic = False,
    force: Force = False,
) -> None:
    """Make a table of crystals from a database that implements OPTIMADE.

    An interrupted download resumes if the command is repeated. The licence and the
    address of each entry are kept beside the table.
    """
    from gromega.crystals.ingest.providers import optimade as provider

    with _client() as client:
        functions = provider.functions(client, database, filter, observed)
        request = {
            "optimade": database,
            "filter": filter,
            "observed": {None: "", True: "yes", False: "no"}[observed],
        }
        _fetch(out, request, functions, limit, inorganic, force)


@app.command(epilog="Example: gromega fetch mp --observed-only --out crystals.parquet")
def mp(
    out: Table = Path("crystals.parquet"),
    query: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="A parameter of the summary interface, such as nelements_max=3 or "
            "elements=Ti,O. Can be repeated.",
        ),
    ] = None,
    observed_only: Annotated[
        bool, typer.Option(help="Only crystals known from experiment.")
    ] = False,
    limit: Limit = None,
    inorganic: Inorganic = False,
    force: Force = False,
) -> None:
    """Make a table of crystals from the Materials Project.

    The key of your account is read from the environment variable MP_API_KEY. An
    interrupted download resumes if the command is repeated.
    """
    from gromega.crystals.ingest.providers import materials_project as provider

    asked = dict(_parameter(each) for each in query or [])
    if observed_only:
        asked["theoretical"] = "false"
    with _client(provider.headers()) as client:
        functions = provider.functions(client, asked)
        request = {"mp": "summary", **dict(sorted(asked.items()))}
        _fetch(out, request, functions, limit, inorganic, force)


def _client(headers: dict[str, str] | None = None) -> "Client":
    from gromega._util.progress import console
    from gromega.crystals.ingest.providers.client import Client

    return Client(headers or {}, lambda line: console.print(f"gromega: {line}"))


def _parameter(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value) or name.startswith("_"):
        raise ValueError(f"--query must be NAME=VALUE, got {text!r}.")
    return name, value


def _fetch(
    out: Path,
    request: dict[str, str],
    functions: "tuple[Find, Read]",
    limit: int | None,
    inorganic: bool,
    force: bool,
) -> None:
    from gromega.crystals.ingest.validate import IngestOptions
    from gromega.pipeline.fetch import check_free, fetch, fetched_files

    check_table(out, [])
    if not force:
        check_free(out)
    fetch(out, request, functions, limit, IngestOptions(inorganic=inorganic))
    typer.echo(", ".join(map(str, fetched_files(out)[:3])))
