"""Run those tests of `ansible-test sanity` that need no virtual environment of their own, on a copy in place.

ansible-test installs what the other tests require from the network. Of those, validate-modules is run by its own script
here, with what requirements-dev.txt installs; ruff, yamllint and antsibull-changelog stand for the rest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKED = ("changelogs", "galaxy.yml", "meta", "playbooks", "plugins", "roles")
TESTS = (
    "action-plugin-docs",
    "compile",
    "empty-init",
    "ignores",
    "line-endings",
    "no-assert",
    "no-get-exception",
    "no-illegal-filenames",
    "no-smart-quotes",
    "replace-urlopen",
    "shebang",
    "symlinks",
    "use-argspec-type-path",
    "use-compat-six",
)


def export(target: Path) -> None:
    """Copy what is the collection's own: ansible-test must meet neither .venv nor the lab."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *PACKED],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in os.fsdecode(listing.stdout).split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def run_ansible_test(collection: Path) -> int:
    """Run the code of ansible-test itself, in its order."""
    selection = [part for name in TESTS for part in ("--test", name)]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--color", "no", "--python", version, *selection]
    return subprocess.run(command, cwd=collection, check=False).returncode


def run_validate_modules(collection: Path) -> int:
    """Hold documentation and argument spec of each module to each other."""
    package = find_spec("ansible_test")
    if package is None or not package.submodule_search_locations:
        sys.exit("ansible-test is not installed: run `make venv`.")
    folder = Path(package.submodule_search_locations[0]) / "_util" / "controller" / "sanity" / "validate-modules"
    environment = os.environ | {"PYTHONPATH": f"{folder}:{collection.parents[2]}"}
    modules = [str(path.relative_to(collection)) for path in sorted((collection / "plugins" / "modules").glob("*.py"))]
    command = [
        sys.executable,
        str(folder / "validate.py"),
        "--format",
        "plain",
        "--arg-spec",
        "--collection",
        "ansible_collections/onprem/mlflow",
    ]
    print(f'Running sanity test "validate-modules" on {len(modules)} modules', flush=True)
    return subprocess.run([*command, *modules], cwd=collection, env=environment, check=False).returncode


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="onprem-mlflow-sanity-") as name:
        collection = Path(name) / "ansible_collections" / "onprem" / "mlflow"
        export(collection)
        sys.exit(run_ansible_test(collection) or run_validate_modules(collection))


if __name__ == "__main__":
    main()
