"""The command that dvc.yaml runs: python -m gromega.pipeline STAGE."""

import sys

from gromega._util.progress import interrupt_by_signals, run_or_explain
from gromega.pipeline import main
from gromega.pipeline.own_code import run_own_code

# A batch system sends SIGTERM first; an interrupted stage leaves nothing.
interrupt_by_signals()
run_own_code(sys.argv[1:])
run_or_explain(lambda: main(sys.argv[1:]))
