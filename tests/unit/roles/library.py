"""What a role puts on a server so that a timer can run it there without Ansible."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = Path("ansible_collections/onprem/mlflow/plugins/module_utils")


def assert_it_has_all_that_it_imports_and_no_more(role: str, programs: Iterable[str], folder: Path) -> None:
    """Import the programs where nothing but the role's library is to be had."""
    variables: dict[str, Any] = yaml.safe_load((ROOT / f"roles/{role}/vars/main.yml").read_text())
    library = variables[f"__{role}_library"]
    (folder / PACKAGE).mkdir(parents=True)
    for name in library:
        content = (ROOT / "plugins/module_utils" / f"{name}.py").read_text()
        (folder / PACKAGE / f"{name}.py").write_text(content)
    package = ".".join(PACKAGE.parts)
    program = "; ".join(f"import {package}.{name}" for name in programs)
    program += f"; import sys; print(*(name for name in sys.modules if name.startswith('{package}.')))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {name.rpartition(".")[2] for name in done.stdout.split()} == set(library)
