"""A sandbox's child whose libraries hang, crash or grow on blocks of such names."""

import os
import time

from gromega.crystals.ingest import validate as examine
from gromega.crystals.ingest import worker as sandbox

honest = examine.examine


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
        print("a library that talks", flush=True)
    return honest(part, options)


examine.examine = hostile
sandbox.main()
