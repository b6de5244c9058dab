"""The web page in tests: widths of screens, a file, and waiting for a prediction."""

DESKTOP, PHONE = 1200, 390
RUTILE = "rutile-synchrotron.gr"


def wait_for_all(page):
    """Wait until all files are predicted and the chosen one is explained."""
    page.wait_for_selector("#status:empty", state="attached")
    page.wait_for_selector("#importance svg")
