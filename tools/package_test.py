"""Pack the collection, install the archive where nothing else is, and use it from there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
# Neither what only a checkout needs, nor anything a test run left behind.
UNWANTED = (".venv", ".cache", ".git", "lab", "molecule", "tests", "tools", "Makefile", "inventories/lab")
WANTED = (
    "LICENSE",
    "README.md",
    "meta/runtime.yml",
    "playbooks/site.yml",
    "plugins/modules",
    "roles",
    "inventories/single",
)

INVENTORY = """\
all:
  hosts:
    somewhere:
  children:
    mlflow_platform:
      children:
        mlflow_database: {hosts: {somewhere: }}
        mlflow_object_store: {hosts: {somewhere: }}
        mlflow_tracking: {hosts: {somewhere: }}
        mlflow_proxy: {hosts: {somewhere: }}
"""


def run(*command: str, folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_content(installed: Path) -> None:
    problems = [f"{name}: is in the archive" for name in UNWANTED if (installed / name).exists()]
    problems += [f"{name}: is not in the archive" for name in WANTED if not (installed / name).exists()]
    if problems:
        sys.exit("\n".join(problems))


def check_plugins(installed: Path, folder: Path, environment: dict[str, str]) -> int:
    """Every plugin has documentation that ansible-doc can show."""
    count = 0
    for plugin_type, folder_name in (("module", "modules"), ("filter", "filter")):
        names = [f"onprem.mlflow.{path.stem}" for path in (installed / "plugins" / folder_name).glob("[!_]*.py")]
        run("ansible-doc", "--json", "--type", plugin_type, *names, folder=folder, environment=environment)
        count += len(names)
    return count


def main() -> None:
    metadata = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="onprem-mlflow-package-") as name:
        folder = Path(name)
        run("ansible-galaxy", "collection", "build", "--output-path", name, folder=ROOT)
        archive = folder / f"onprem-mlflow-{metadata['version']}.tar.gz"
        # By force, as Ansible knows the checkout already; the dependencies are in the `ansible` package.
        run(
            *(
                "ansible-galaxy",
                "collection",
                "install",
                str(archive),
                "--force",
                "--no-deps",
                "--collections-path",
                name,
            ),
            folder=folder,
        )
        installed = folder / "ansible_collections" / "onprem" / "mlflow"
        check_content(installed)

        (folder / "ansible.cfg").touch()
        environment = os.environ | {"ANSIBLE_COLLECTIONS_PATH": name, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
        found = run("ansible-galaxy", "collection", "list", "onprem.mlflow", folder=folder, environment=environment)
        if name not in found:
            sys.exit(f"Ansible finds another copy of the collection:\n{found}")
        plugins = check_plugins(installed, folder, environment)
        (folder / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
        playbooks = sorted((installed / "playbooks").glob("*.yml"))
        for playbook in playbooks:
            run(
                *(
                    "ansible-playbook",
                    "--syntax-check",
                    "--inventory",
                    "inventory.yml",
                    f"onprem.mlflow.{playbook.stem}",
                ),
                folder=folder,
                environment=environment,
            )
        size = archive.stat().st_size // 1024
        print(f"{archive.name}: {size} KiB, {plugins} plugins documented, {len(playbooks)} playbooks parsed")


if __name__ == "__main__":
    main()
