"""The worked example of docs/backtest.md: its command gives what the page shows.

`python -m tests.unit.test_backtest_docs` writes what it gives now into the page.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path

from typer.testing import CliRunner

from watchkeeper.cli.main import app

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "backtest.md"
_SHOWN = re.compile(r"```text\n(.*?)```", re.DOTALL)


def run_example(folder: Path) -> str:
    """What the page's command prints, run where `my-rules` holds the page's rule file."""
    text = PAGE.read_text(encoding="utf-8")
    [rule] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    [command] = re.findall(r"^    watchkeeper (backtest evals/.*)$", text, re.MULTILINE)
    (folder / "my-rules").mkdir()
    (folder / "my-rules" / "dependency-edge.yaml").write_text(rule)
    (folder / "evals").symlink_to(ROOT / "evals")
    with chdir(folder):
        result = CliRunner().invoke(app, shlex.split(command), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_the_example_is_true(tmp_path: Path) -> None:
    [shown] = _SHOWN.findall(PAGE.read_text(encoding="utf-8"))
    assert run_example(tmp_path).split() == shown.split()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        said = run_example(Path(folder)).rstrip()
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_SHOWN.sub(lambda _: f"```text\n{said}\n```", text), encoding="utf-8")


if __name__ == "__main__":
    main()
