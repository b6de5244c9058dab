import re
import signal
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import pytest

from gromega._util.progress import (
    EXTRAS,
    explain_missing,
    progress_bar,
    progress_counts,
    run_or_explain,
    training_bar,
)

NAMES = {"orbax": "orbax-checkpoint", "sklearn": "scikit-learn", "yaml": "pyyaml"}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ValueError("qmax must be above qmin"), 2, "qmax"),
        (FileNotFoundError("x.gr: there is no such file"), 2, "x.gr"),
        (ValueError("several\n  lines"), 2, "several lines"),
        (MemoryError(), 2, "out of memory"),
        (ModuleNotFoundError("No module named 'zarr'", name="zarr"), 2, "[lake]"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(130), 130, "interrupted"),
    ],
)
def test_an_error_of_the_user_is_one_line(capsys, error, status, words):
    def fail():
        raise error

    with pytest.raises(SystemExit) as stop:
        run_or_explain(fail)
    assert stop.value.code == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("gromega: ") and words in line


@pytest.mark.parametrize("error", [KeyError("a bug"), SystemExit(0), SystemExit(2)])
def test_other_errors_and_exits_are_not_caught(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        run_or_explain(fail)
    assert caught.value is error


def test_bars_are_silent_where_there_is_no_terminal(capsys):
    with progress_bar("crystals", 10) as advance:
        advance(10)
    with progress_counts("files") as show:
        show(3, "2 crystals")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_each_epoch_of_a_training_is_a_line(capsys):
    epoch = SimpleNamespace(
        epoch=3, loss=2.5, top1=0.5, top6=0.75, box_top1=0.25, box_top6=0.5
    )
    with training_bar(10) as show:
        show(SimpleNamespace(epoch=3, step=1, steps=4, loss=2.6, rate=100.0))
        show(epoch)
    (line,) = capsys.readouterr().err.splitlines()
    for number in ("3", "2.5000", "50.0 %", "75.0 %", "25.0 %"):
        assert number in line


def test_a_character_that_the_terminal_lacks_is_a_question_mark():
    code = (
        "from gromega._util.progress import run_or_explain\n"
        "run_or_explain(lambda: print('30 Å'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONIOENCODING": "ascii:strict"} | env(),
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert done.stdout == "30 ?\n"


def env():
    import os

    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHONIO")}


def test_extras_are_those_of_the_project(request):
    path = request.config.rootpath / "pyproject.toml"
    declared = tomllib.loads(path.read_text())["project"]["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        packages = {re.split(r"[^\w-]", each)[0] for each in declared[extra]}
        for module in modules.split():
            assert NAMES.get(module, module) in packages, (extra, module)


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("zarr", "lake"),
        ("jax.numpy", "train"),
        ("fastapi", "web"),
        ("numba", "simulate"),
    ],
)
def test_a_missing_package_is_one_line_that_names_its_extra(module, extra):
    error = ModuleNotFoundError(f"No module named {module!r}", name=module)
    said = explain_missing(error)
    assert f"pip install 'gromega[{extra}]'" in said
    assert module.split(".")[0] in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "error",
    [
        # a package of no extra, a name that a package lacks, an error of our own
        ModuleNotFoundError("No module named 'diffpy'", name="diffpy"),
        ImportError("cannot import name 'open' from 'zarr'", name="zarr"),
        ImportError("install diffpy.srreal from conda-forge."),
    ],
)
def test_other_import_errors_keep_their_message(error):
    assert explain_missing(error) == str(error)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_ignores_an_interrupt_is_ended(number):
    code = (
        "import signal, time\n"
        "from gromega._util.progress import interrupt_by_signals\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "interrupt_by_signals(patience=1)\n"
        "while True:\n"
        "    try:\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(20) == -signal.SIGALRM
