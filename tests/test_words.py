"""Names and texts use one word for one thing: the words that were replaced are gone."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "gromega"
TEXTS = (".css", ".html", ".ipynb", ".j2", ".js", ".md", ".py", ".yaml")

# Each pattern is searched in a line whose identifiers are split into words: `held_out`,
# `HeldOut` and "held-out" all read "held out".
WORDS = {
    r"told": "with composition",
    r"composed": "with composition",
    r"memory|memories": "neighbours",
    r"remember\w*": "neighbours",
    r"recall(s|ed|ing)?": "query",
    r"votes?|voted|voting": "weight",
    r"likeness(es)?": "similarity",
    r"trust(s|ed|ing)?": "reliability",
    r"held out": "test crystals",
    r"tested at": "accuracy at",
    r"evidence": "matches, importance",
    r"speaks?": "importance",
    r"doubt(s|ed|ing)?": "other groups, or: check",
    r"answer\w*": "prediction",
    r"feeds?": "training inputs",
    r"stock": "operator buffer",
    r"renew\w*": "refresh",
    r"compand\w*": "square-root quantization",
    r"refusing": "selective accuracy",
}
# Names that are gone, as they stood in the code and on disk.
NAMES = {
    r"merge_places|place_names": "merge_sites",
    r"data/answers": "data/predictions",
    r"(data/)?extra\.parquet": "data/augmentation.parquet",
    r"(data/)?others\.parquet": "data/other_groups.parquet",
    r"(data/)?draws(\.parquet|\.zarr)": "data/subsamples.parquet",
    r"log_p_told|TOLD": "log_p_with_composition, WITH_COMPOSITION",
    r"PlainResNet|plain\.py": "NumpyResNet",
    r"\.\./shared": "a path of the reader's own",
}
# Other meanings of these words.
ALLOWED = (
    # the memory of a computer
    r"(out of|in|peak|more|freed|needs|time and) memory|MemoryError|memory of an array",
    r"memory[ _](limit|use|map|pool|layout|is bounded|stays|in MiB|of its own)",
    r"(limit|keep)_memory|\bmemory=\"",
    # a character, and a cluster
    r"line feed",
    r"scheduler .*\banswers?",
    # a class of starlette
    r"trustedhost|TrustedHost\w*",
)


def _files() -> dict[str, list[Path]]:
    """Return the files by the room or document that they belong to."""
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and path.suffix in TEXTS:
            found.setdefault(path.relative_to(PACKAGE).parts[0], []).append(path)
    for name in ("README.md", "CONTRIBUTING.md", "dvc.yaml", "params.yaml"):
        found[name] = [ROOT / name]
    documents = sorted(path for path in (ROOT / "docs").rglob("*") if path.is_file())
    found["docs"] = [path for path in documents if path.suffix in TEXTS]
    return found


def _split(line: str) -> str:
    """Return a line in small letters, its identifiers split into words."""
    line = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_-]", " ", line)
    return re.sub(r"\s+", " ", line).lower()


def _lines_of_v1(text: str) -> set[int]:
    """Return the lines of functions that read models of format v1, by their old names.

    Such a function has ``v1`` in its name.
    """
    return {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and re.search(r"v1(_|$)", node.name)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def find_words(text: str, python: bool = False) -> list[tuple[int, str, str]]:
    """Return the line number, the word and its replacement of every hit."""
    exempt = _lines_of_v1(text) if python else set()
    hits = []
    for number, line in enumerate(text.splitlines(), 1):
        if number in exempt:
            continue
        for pattern in ALLOWED:
            line = re.sub(pattern, "", line, flags=re.IGNORECASE)
        split = _split(line)
        for pattern, better in WORDS.items():
            if found := re.search(rf"\b(?:{pattern})\b", split):
                hits.append((number, found[0], better))
        for pattern, better in NAMES.items():
            if found := re.search(rf"(?<!\w)(?:{pattern})(?!\w)", line):
                hits.append((number, found[0], better))
    return hits


@pytest.mark.parametrize(("room", "files"), _files().items(), ids=list(_files()))
def test_the_words_that_were_replaced_are_gone(room, files):
    hits = [
        f"{path.relative_to(ROOT)}:{number}: {word!r}; write {better}"
        for path in files
        for number, word, better in find_words(
            path.read_text("utf-8"), path.suffix == ".py"
        )
    ]
    assert not hits, "\n" + "\n".join(hits)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        # an identifier, a class, a hyphen: split into words
        ("held_out = HeldOut(n)  # held-out", ["held out"]),
        ("def uses_memory(x): ...", ["memory"]),
        ('parser.add_argument("--no-trust")', ["trust"]),
        # a path on disk: as it stands
        ("outs: [data/extra.parquet]", ["data/extra.parquet"]),
        # other meanings, and parts of words: no hit
        ("raise ValueError('out of memory') from MemoryError", []),
        ("from starlette.middleware.trustedhost import TrustedHostMiddleware", []),
        ("the composition of a stockpile", []),
        ("uv sync --extra cuda", []),
    ],
)
def test_words_are_found_in_identifiers_and_texts(line, words):
    assert [word for _, word, _ in find_words(line)] == words


def test_a_function_that_reads_v1_may_name_what_it_reads():
    text = 'def _from_v1(arrays):\n    return arrays["held_out/ids"]\n\nmemory = 1\n'
    assert [number for number, _, _ in find_words(text, python=True)] == [4]
