"""Take the picture of the web page in README.md: docs/figures/web.png.

Needs Chromium, and models/spacegroup and models/library.parquet:
python tools/picture.py
"""

import re
import shutil
import signal
import subprocess
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1000, 850


def main() -> None:
    """Serve the page, predict the first example, and save what is seen."""
    command = ["gromega", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr is not None
        line = serving.stderr.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        assert found, line
        with sync_playwright() as started:
            browser = started.chromium.launch(
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox", "--disable-gpu"],
            )
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(found[0])
            example = ROOT / "examples" / "rutile-synchrotron.gr"
            page.set_input_files("#file", example)
            page.wait_for_selector("#importance svg")
            page.wait_for_selector("#status:empty", state="attached")
            # Down to the conditions; matches and importance are below.
            box = page.locator("#prediction dl").bounding_box()
            assert box
            page.screenshot(
                path=ROOT / "docs" / "figures" / "web.png",
                full_page=True,
                clip={
                    "x": 0, "y": 0, "width": WIDTH,
                    "height": box["y"] + box["height"] + 24,
                },
            )  # fmt: skip
            browser.close()
        serving.send_signal(signal.SIGINT)


if __name__ == "__main__":
    main()
