"""Takes the pictures of the dashboard that the README shows.

python -m tests.dashboard.pictures --dashboard warehouse/demo/dashboard --to docs/pictures
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.dashboard.contracts import BROWSERS
from tests.workspaces import ROOT

PICTURES = ROOT / "docs" / "pictures"
"""Where the README finds them."""

PAGES: Mapping[str, tuple[str, int]] = {
    "overview": ("index.html", 1250),
    "why": ("services/*.html#service_why", 900),
    "migration": ("migration.html", 900),
    "machine-learning": ("machine-learning.html", 1150),
    "invoice": ("invoice.html", 900),
}
"""The picture's name -> the page or a chart on it, and how many pixels high it is."""

_WIDTH = 1200


def take(browser: Any, dashboard: Path, to: Path, service: str) -> list[Path]:
    """Takes every picture.

    Args:
        browser: A browser of Playwright's.
        dashboard: The directory of the dashboard.
        to: The directory for the pictures; made where it is missing.
        service: How the file name of the shown service begins.

    Returns:
        The pictures.
    """
    to.mkdir(parents=True, exist_ok=True)
    taken = []
    for name, (place, height) in PAGES.items():
        page, _, chart = place.partition("#")
        path = next(dashboard.glob(page.replace("*", f"{service}*")))
        tab = browser.new_page(viewport={"width": _WIDTH, "height": height}, color_scheme="light")
        tab.goto(f"{path.absolute().as_uri()}#{chart}")
        tab.wait_for_selector("body[data-ready]", timeout=30_000)
        taken.append(to / f"{name}.png")
        tab.screenshot(path=taken[-1])
        tab.close()
    return taken


def main() -> None:
    """Takes the pictures of a dashboard that was written."""
    parser = argparse.ArgumentParser(description="Takes the pictures of the README.")
    parser.add_argument("--dashboard", type=Path, default=ROOT / "warehouse/demo/dashboard")
    parser.add_argument("--to", type=Path, default=PICTURES)
    parser.add_argument("--service", default="pricing-")
    arguments = parser.parse_args()
    browser = next(path for path in BROWSERS if path.exists())
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for path in take(launched, arguments.dashboard, arguments.to, arguments.service):
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
