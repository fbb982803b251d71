"""JupyterLab on a free port, and its notebooks in a browser, used by mouse and keyboard."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import requests
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from nbutils.paths import make_project
from tests.support.interrupted import wait_until

ROOT = Path(__file__).resolve().parents[2]
#: What only a test needs: no question about news, and all cells in the page, not those in view alone.
_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
#: Under load, an answer of milliseconds may take as many seconds.
expect.set_options(timeout=60_000)
#: What JupyterLab itself logs where a kernel restarts while its debugger asks for the state.
_OF_JUPYTERLAB = "Could not restore the debugger state"
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
_DIGEST = """async image => {
    const bytes = await (await fetch(image.src)).arrayBuffer();
    return [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].join(' ');
}"""


@dataclass(frozen=True)
class Lab:
    """A server of JupyterLab.

    Attributes:
        url: With a slash at the end.
        token: That it asks for.
        notebooks: Its folder.
    """

    url: str
    token: str
    notebooks: Path

    def api(self, method: str, path: str) -> Any:  # noqa: ANN401
        """Asks for `api/<path>`; returns the answer's JSON, or None."""
        answer = requests.request(method, f"{self.url}api/{path}", params={"token": self.token}, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def end_kernels(self) -> None:
        for session in self.api("GET", "sessions"):
            self.api("DELETE", f"sessions/{session['id']}")

    @contextmanager
    def opened(self, browser: Browser, name: str, **options: Any) -> Iterator[OpenNotebook]:  # noqa: ANN401
        """The notebook `name` in a page of its own, whose console is to name no error; `options` are the context's."""
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.route(lambda url: not url.startswith((self.url, "blob:", "data:")), lambda route: route.abort())
        page, errors = context.new_page(), []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and not message.text.startswith(_OF_JUPYTERLAB):
                errors.append(f"{message.text} ({message.location.get('url')})")

        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{self.url}lab/tree/{name}.ipynb?reset&token={self.token}")
        yield OpenNotebook(page)
        context.close()
        if errors:
            pytest.fail("\n".join(["the console names errors:", *errors]))


@contextmanager
def jupyterlab(folder: Path, **written: list[str]) -> Iterator[Lab]:
    """A server over copies of the project's notebooks, at preset smoke, with this interpreter's kernel.

    Args:
        folder: Empty; notebooks, runs, store, settings and sessions all lie in it.
        written: Name to the code cells of further notebooks.
    """
    notebooks = make_project(folder)
    for file in notebooks.rglob("*.ipynb"):
        source = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r'preset = \\"\w+\\"', r'preset = \\"smoke\\"', source), encoding="utf-8")
    for name, cells in written.items():
        notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=_KERNEL)
        nbformat.write(notebook, notebooks / f"{name}.ipynb")
    aside = folder / "jupyter"
    shipped = aside / "settings" / "overrides.d" / "nbutils.json"
    shipped.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "nbutils" / "jupyterlab.json", shipped)
    (aside / "settings" / "overrides.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
    places = {name: str(aside / name.lower()) for name in _PLACES}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NBUTILS_", "JUPYTER", "JPY_"))}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        f"--ServerApp.port={port}",
        f"--ServerApp.root_dir={notebooks}",
        f"--LabApp.app_settings_dir={aside / 'settings'}",
        f"--LabApp.user_settings_dir={aside / 'user'}",
        f"--LabApp.workspaces_dir={aside / 'workspaces'}",
        "--LabApp.extension_manager=readonly",
    ]
    environment = kept | places | {"PYTHONPATH": str(ROOT), "NBUTILS_STORE": str(folder / "store")}
    with (folder / "jupyter.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        yield _found(Path(places["JUPYTER_RUNTIME_DIR"]), server, notebooks)
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


_PLACES = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")


def _found(runtime: Path, server: subprocess.Popen[bytes], notebooks: Path) -> Lab:
    """The server as it describes itself, once it answers."""
    found: list[Lab] = []

    def answers() -> bool:
        with suppress(OSError, ValueError):  # not written yet, or half, or not listening
            for file in runtime.glob("jpserver-*.json"):
                said = json.loads(file.read_text(encoding="utf-8"))
                lab = Lab(said["url"], said["token"], notebooks)
                lab.api("GET", "status")
                found.append(lab)
        return bool(found) or server.poll() is not None

    assert wait_until(answers)
    return found[0]


class OpenNotebook:
    """A notebook that a page shows.

    Args:
        page: Of JupyterLab.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.running = page.locator(".jp-Notebook .jp-InputPrompt", has_text="[*]:")
        expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("| Idle")).to_be_visible(timeout=60_000)  # the status bar's, of the kernel

    def restart_and_run_all(self, seconds: float = 120) -> None:
        """By the button, whose question is answered with yes."""
        self.page.locator("[data-jp-item-name=restart-and-run]").click()
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(self.running.first).to_be_visible(timeout=60_000)
        self.wait(seconds)

    def cell(self, text: str) -> Locator:
        """The code cell with this text in it."""
        return self.page.locator(".jp-Notebook .jp-CodeCell", has=self.page.locator(".cm-content", has_text=text))

    def run(self, cell: Locator) -> None:
        """By the keyboard, without waiting for its end."""
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before)

    def interrupt(self) -> None:
        """By the square."""
        self.page.locator("[data-jp-item-name=interrupt]").click()

    def wait(self, seconds: float = 120) -> None:
        """Until nothing runs or waits to run."""
        expect(self.running).to_have_count(0, timeout=1000 * seconds)

    def save(self) -> None:
        """By the keyboard, and until it is done."""
        self.page.keyboard.press("Control+s")
        expect(
            self.page.locator(".jp-mod-current.jp-mod-dirty, .lm-TabBar-tab.lm-mod-current.jp-mod-dirty")
        ).to_have_count(0)

    def explorers(self) -> list[Explorer]:
        """All that it shows, once they stand there."""
        expect(self.page.get_by_text("Loading widget...")).to_have_count(0)
        boxes = self.page.locator(".jp-OutputArea-output .nbutils-explorer")
        expect(boxes.first).to_be_visible()
        return [Explorer(self.page, box) for box in boxes.all()]


class Explorer:
    """An explorer in a page.

    Args:
        page: Of JupyterLab.
        box: The explorer's outermost element.
    """

    def __init__(self, page: Page, box: Locator) -> None:
        self.page, self.box = page, box
        self.picture, self.code = box.locator("img"), box.locator("code")
        self.sliders = box.locator("input[type=range]:enabled")
        self.menus = box.locator("select")
        self.ticks = box.locator("input[type=checkbox]")

    @property
    def digest(self) -> str:
        """Of the picture."""
        return str(self.picture.evaluate(_DIGEST))

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within the block, other code comes, and the picture keeps its size."""
        code, before = self.code.inner_text(), _box(self.picture)
        yield
        expect(self.code).not_to_have_text(code)
        after = _box(self.picture)
        assert (after["width"], after["height"]) == (before["width"], before["height"])

    @contextmanager
    def redrawing(self) -> Iterator[None]:
        """Within the block, another picture comes."""
        before = str(self.picture.get_attribute("src"))
        yield
        expect(self.picture).not_to_have_attribute("src", before)

    def move_all(self) -> int:
        """Moves every control by mouse and by keyboard; returns how many there are to move."""
        for slider in self.sliders.all():
            with self.redrawing():
                self._drag(slider)
            with self.answering():
                slider.press("ArrowLeft" if _share(slider) > 0.5 else "ArrowRight")
        menus = [menu for menu in self.menus.all() if menu.locator("option").count() > 1]
        for menu in menus:
            with self.redrawing(), self.answering():
                menu.select_option(index=0 if menu.evaluate("menu => menu.selectedIndex") else 1)
            menu.focus()
            expect(menu).to_be_focused()
            with self.answering():
                self.page.keyboard.press("ArrowUp" if menu.evaluate("menu => menu.selectedIndex") else "ArrowDown")
        for tick in self.ticks.all():
            with self.redrawing(), self.answering():
                tick.click()
            with self.answering():
                tick.press("Space")
        return self.sliders.count() + len(menus) + self.ticks.count()

    def _drag(self, slider: Locator) -> None:
        """To the farther end and back a little: the explorer answers while the button of the mouse is still down."""
        slider.scroll_into_view_if_needed()
        track, share = _box(slider), _share(slider)
        y, ends = track["y"] + track["height"] / 2, (track["x"] + 8, track["x"] + track["width"] - 8)  # half a handle
        self.page.mouse.move(ends[0] + share * (ends[1] - ends[0]), y)
        self.page.mouse.down()
        for place in (0.4, 0.1) if share > 0.5 else (0.6, 0.9):
            with self.answering():
                self.page.mouse.move(ends[0] + place * (ends[1] - ends[0]), y, steps=3)
        self.page.mouse.up()


def _share(slider: Locator) -> float:
    """Where a slider's handle stands, from 0 at its left end to 1."""
    return float(slider.evaluate("slider => (slider.value - slider.min) / (slider.max - slider.min)"))


def _box(element: Locator) -> Any:  # noqa: ANN401
    box = element.bounding_box()
    assert box is not None
    return box
