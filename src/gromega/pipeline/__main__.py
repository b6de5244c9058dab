"""The command that dvc.yaml runs: python -m gromega.pipeline STAGE."""

import sys

from gromega._util.progress import run_or_explain
from gromega.pipeline import main

run_or_explain(lambda: main(sys.argv[1:]))
