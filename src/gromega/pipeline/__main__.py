"""The command that dvc.yaml runs: python -m gromega.pipeline STAGE."""

import signal
import sys

from gromega._util.progress import run_or_explain
from gromega.pipeline import main
from gromega.pipeline.own_code import run_own_code

# A batch system sends this signal first; an interrupted stage leaves nothing.
signal.signal(signal.SIGTERM, signal.default_int_handler)
run_own_code(sys.argv[1:])
run_or_explain(lambda: main(sys.argv[1:]))
