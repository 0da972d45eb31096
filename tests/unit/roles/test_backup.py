"""What the role backup puts on a server runs there by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = Path("ansible_collections/onprem/mlflow/plugins/module_utils")
PROGRAMS = ("backup_take", "backup_repository")


def test_the_library_has_all_that_it_imports_and_no_more(tmp_path: Path) -> None:
    variables = yaml.safe_load((ROOT / "roles/backup/vars/main.yml").read_text())
    (tmp_path / PACKAGE).mkdir(parents=True)
    for name in variables["__backup_library"]:
        content = (ROOT / "plugins/module_utils" / f"{name}.py").read_text()
        (tmp_path / PACKAGE / f"{name}.py").write_text(content)
    package = ".".join(PACKAGE.parts)
    program = "; ".join(f"import {package}.{name}" for name in PROGRAMS)
    program += f"; import sys; print(*(name for name in sys.modules if name.startswith('{package}.')))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {name.rpartition(".")[2] for name in done.stdout.split()} == set(variables["__backup_library"])
