"""Modules run with the server's bare Python: they import without any library that a server may lack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).resolve().parents[2] / "plugins" / "modules").glob("[!_]*.py"))

IMPORT = """
import importlib, sys
# Its own start is another one on a server.
import ansible

class OnlyWhatServersHave:
    allowed = {*sys.stdlib_module_names, "ansible", "ansible_collections"}

    def find_spec(self, name, path=None, target=None):
        top, _, rest = name.partition(".")
        if top not in self.allowed or (top == "ansible" and rest and not rest.startswith("module_utils")):
            raise ImportError(f"{name} is not on a server")

sys.meta_path.insert(0, OnlyWhatServersHave())
importlib.import_module(sys.argv[1])
"""


def import_on_a_server(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", IMPORT, name], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_module_imports_on_a_server(module: Path) -> None:
    done = import_on_a_server(f"ansible_collections.onprem.mlflow.plugins.modules.{module.stem}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["yaml", "ansible.errors"])
def test_what_servers_lack_is_noticed(name: str) -> None:
    assert "is not on a server" in import_on_a_server(name).stderr
