"""`python -m gromega.stages`, as dvc.yaml runs it."""

import sys

from gromega.stages import main
from gromega.terminal import run_or_explain

run_or_explain(lambda: main(sys.argv[1:]))
