"""The child of a worker process whose libraries hang, crash or grow on some blocks."""

import os
import time

from gromega.crystals.ingest import serve, validate

examine = validate.examine


def hostile(part, options):
    name = getattr(part, "name", "")
    if name == "loop":
        time.sleep(60)
    if name == "crash":
        os.abort()
    if name == "grow":
        bytearray(2**40)
    if name == "raise":
        raise KeyError("odd")
    if name == "print":
        print("output of a library", flush=True)
    return examine(part, options)


validate.examine = hostile
serve.main()
