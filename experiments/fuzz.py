"""Check that no mutated CIF file crashes or hangs the ingest.

    python experiments/fuzz.py 100000 cifs.tar.gz

Mutate files of a collection as files get broken, and examine each in a sandbox. Print
the number of files by outcome, and fail if one crashed or hung.
"""

import random
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from gromega._util.parallel import open_pool, ordered_map
from gromega._util.progress import progress_bar
from gromega.crystals.ingest.validate import IngestOptions
from gromega.crystals.ingest.worker import Limits, WorkerProcess
from gromega.crystals.io.find import find_sources
from gromega.crystals.refusal import Reason

BATCH = 500
ODD = (
    *("?", ".", "nan", "inf", "-1", "0", "1e308", "1e-308", "-0.0", "99999999999"),
    *("1.234(5)", "1.2.3", "'", '"', ";", "loop_", "data_", "save_", "_", "#", "\\"),
    *("\0", "\ufeff", "é", "x,y,z", "-x,y+1/2,z", "2x,y/0,z", "P 1", "F d -3 m :1"),
    *("Wat", "Fe3+", "X", "D", "Uuo", "_cell_length_a 0", "\n;\n", "\t" * 50),
)


def mutate(text: str, rng: random.Random) -> bytes:
    """Return a file with one to three mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        lines = text.split("\n")
        k = rng.randrange(len(lines))
        words = lines[k].split()
        way = rng.choice((0, 0, 0, 6, 6, 6, *range(11)))
        if way == 0 and words:
            words[rng.randrange(len(words))] = rng.choice(ODD)
            lines[k] = " ".join(words)
        elif way == 1:
            del lines[k : k + rng.randint(1, 4)]
        elif way == 2:
            lines[k:k] = [rng.choice(lines)] * rng.randint(1, 30)
        elif way == 3:
            lines[k] = rng.choice(ODD)
        elif way == 4:
            other = rng.randrange(len(lines))
            lines[k], lines[other] = lines[other], lines[k]
        elif way == 5:
            lines = lines[:k]
        elif way == 6 and words:
            lines[k] = lines[k].replace(words[-1], str(rng.uniform(-400, 400)))
        elif way == 7 and lines[k]:
            at = rng.randrange(len(lines[k]))
            lines[k] = lines[k][:at] + chr(rng.randrange(1, 1000)) + lines[k][at + 1 :]
        elif way == 8 and lines[k]:
            at = rng.randrange(len(lines[k]))
            lines[k] = lines[k][:at] + lines[k][at + 1 :]
        elif way == 9:
            lines += lines[k : k + 40]
        elif way == 10 and words:
            lines[k] = lines[k].replace(words[-1], words[-1] * rng.randint(2, 200))
        text = "\n".join(lines)
    content = text.encode("utf-8", "replace")
    if rng.random() < 0.05 and content:
        at = rng.randrange(len(content))
        content = content[:at] + rng.randbytes(rng.randint(1, 8)) + content[at:]
    return content


def batches(n: int, originals: list[str]) -> Iterator[list[bytes]]:
    """Yield n files in batches, the same ones every time."""
    rng = random.Random(0)
    files = (mutate(rng.choice(originals), rng) for _ in range(n))
    while batch := list(islice(files, BATCH)):
        yield batch


def examine(batch: list[bytes]) -> Counter[str]:
    """Return the number of files by outcome."""
    worker = WorkerProcess(Limits(seconds=20.0))
    counts: Counter[str] = Counter()
    for content in batch:
        records = list(worker.examine("cif", content, asdict(IngestOptions())))
        results = {record.get("reason", "accepted") for record in records}
        counts.update(results)
        for result in results & {Reason.CRASH, Reason.TIME_LIMIT, Reason.MEMORY_LIMIT}:
            Path(
                f"fuzz-{result.replace(' ', '-')}-{zlib.crc32(content):08x}.cif"
            ).write_bytes(content)
    worker.close()
    return counts


def main(n: int, collection: Path) -> None:
    """Examine n files, and print the results."""
    sources = find_sources([collection])
    originals = [source.content.decode("latin-1") for source in sources]
    total: Counter[str] = Counter()
    with progress_bar("files", n) as advance, open_pool() as pool:
        for counts in ordered_map(pool, examine, batches(n, originals)):
            total += counts
            advance(BATCH)
    print(f"{n} files mutated from {len(originals)}")
    for result, count in total.most_common():
        print(f"{count:8} {result}")
    bad = [Reason.CRASH, Reason.TIME_LIMIT, Reason.MEMORY_LIMIT]
    sys.exit(any(total[reason] for reason in bad))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), Path(sys.argv[2]))
