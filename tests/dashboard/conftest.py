"""The browser that looks at pages."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from tests.dashboard.contracts import BROWSERS


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    there = [path for path in BROWSERS if path.exists()]
    if not there:
        warnings.warn("Chromium is not there: the dashboard was not looked at", stacklevel=1)
        pytest.skip("needs /usr/bin/chromium (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=there[0], args=["--no-sandbox"])
