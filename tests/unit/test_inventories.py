"""Each inventory that people copy is what a Molecule scenario deploys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
INVENTORIES = sorted((ROOT / "inventories").iterdir())
PARTS = {"hosts": "hosts.yml", "group_vars": "group_vars"}
GROUPS = ("mlflow_database", "mlflow_object_store", "mlflow_tracking", "mlflow_proxy")


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def scenarios(inventory: Path) -> list[Path]:
    """Return the scenarios whose hosts are the inventory's."""
    found = []
    for path in sorted(ROOT.glob("molecule/*/molecule.yml")):
        links = load(path)["provisioner"].get("inventory", {}).get("links", {})
        if "hosts" in links and (path.parent / links["hosts"]).resolve() == inventory / PARTS["hosts"]:
            found.append(path.parent)
    return found


def hosts(inventory: Path) -> set[str]:
    children = load(inventory / PARTS["hosts"])["all"]["children"]["mlflow_platform"]["children"]
    return {host for group in GROUPS for host in children[group]["hosts"]}


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.name)
def test_a_scenario_deploys_it(inventory: Path) -> None:
    (scenario,) = scenarios(inventory)
    settings = load(scenario / "molecule.yml")
    links = settings["provisioner"]["inventory"]["links"]
    assert links.pop("host_vars") == "host_vars"
    assert {part: (scenario / link).resolve() for part, link in links.items()} == {
        part: inventory / name for part, name in PARTS.items()
    }
    # In no group, Molecule's own hosts are no servers of the platform.
    assert not any("groups" in platform for platform in settings["platforms"])


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.name)
def test_the_lab_adds_to_it_and_changes_nothing(inventory: Path) -> None:
    (scenario,) = scenarios(inventory)
    own = load(inventory / "group_vars" / "mlflow_platform.yml")
    added = {path.stem: load(path) for path in (scenario / "host_vars").iterdir()}
    assert set(added) == hosts(inventory)
    assert not {name for variables in added.values() for name in variables} & set(own)
    servers = {platform["name"] for platform in load(scenario / "molecule.yml")["platforms"]}
    assert {variables["ansible_host"] for variables in added.values()} == servers
