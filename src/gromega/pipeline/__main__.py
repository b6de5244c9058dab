"""`python -m gromega.pipeline`, as dvc.yaml runs it."""

import sys

from gromega._util.progress import run_or_explain
from gromega.pipeline import main

run_or_explain(lambda: main(sys.argv[1:]))
