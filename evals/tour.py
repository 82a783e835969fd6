"""Pictures of the console for the tour in docs/: the demo is played, a browser looks at its pages.

`python -m evals.tour --out docs/tour` needs Chromium and the package playwright. Everything is on loopback.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from evals.shop import wire

if TYPE_CHECKING:
    from playwright.sync_api import Page

_PLAYED_SECONDS = 120.0
_CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


class Shot(NamedTuple):
    """`incident` counts from the newest, None for the list; `part` is a CSS selector, or the whole window.

    `unfold`: which folded pieces of the part to open, from 0."""

    name: str
    incident: int | None
    part: str
    dark: bool = False
    width: int = 1_100
    unfold: tuple[int, ...] = ()


SHOTS: tuple[Shot, ...] = (
    Shot("list", None, ""),
    Shot("incident", 0, ""),
    Shot("seen-before", 0, "[data-live=past]"),
    Shot("what-to-do", 0, "[data-live=plans]"),
    Shot("why", 0, "[data-live=findings]", unfold=(0, 3)),
    Shot("timeline", 0, "[data-live=timeline]"),
    Shot("dark", 0, "", dark=True),
    Shot("phone", 0, "", width=390),
)


@contextmanager
def demo_server() -> Iterator[str]:
    """A demo server in a scratch directory; the address, once all cases were played."""
    [port] = wire.free_ports(1)
    url = f"http://{wire.LOOPBACK}:{port}"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--demo", "--data", folder, "--port", str(port)]
        command = [sys.executable, "-m", "watchkeeper", "serve", *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_until_played(url)
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_played(url: str) -> None:
    """Five incidents, and the last one explained with all of its services."""
    deadline = time.monotonic() + _PLAYED_SECONDS
    while not _played(url):
        if time.monotonic() > deadline:
            raise SystemExit("evals.tour: the demo did not come to its end")
        time.sleep(0.5)


def _played(url: str) -> bool:
    try:
        rows = httpx.get(f"{url}/v1/incidents", timeout=10).json()["incidents"]
    except httpx.TransportError:
        return False
    if len(rows) < 5 or rows[0]["alerts_firing"]:
        return False
    last = httpx.get(f"{url}/v1/incidents/{rows[0]['id']}", timeout=10).json()
    return bool(last["explained"] == "done" and _told_its_end(last))


def _told_its_end(document: dict[str, Any]) -> bool:
    return any("None of its alerts" in note["text"] for note in document["annotations"] if "lines" in note)


def shoot(url: str, folder: Path) -> list[Path]:
    """Take every picture; the files."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    ids = [row["id"] for row in httpx.get(f"{url}/v1/incidents").json()["incidents"]]
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        for shot in SHOTS:
            page = browser.new_page(
                viewport={"width": shot.width, "height": 900},
                color_scheme="dark" if shot.dark else "light",
                reduced_motion="reduce",
            )
            page.goto(url if shot.incident is None else f"{url}/incidents/{ids[shot.incident]}")
            taken.append(_picture(page, shot, folder / f"{shot.name}.png"))
            page.close()
        browser.close()
    return taken


def _picture(page: Page, shot: Shot, file: Path) -> Path:
    if shot.part:
        section = page.locator(shot.part).first
        for number in shot.unfold:
            section.locator("details").nth(number).evaluate("one => one.open = true")
        section.screenshot(path=file)
    else:
        page.screenshot(path=file)
    return file


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.tour", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("docs/tour"), help="folder of the pictures [docs/tour]"
    )
    folder = parser.parse_args().out
    print("playing the demo: about a minute and a half", flush=True)
    with demo_server() as url:
        for file in shoot(url, folder):
            print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
