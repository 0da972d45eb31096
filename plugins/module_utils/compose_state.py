# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services of a compose project run as their fragments say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.compose_mounts import lost_folders
from ansible_collections.onprem.mlflow.plugins.module_utils.docker_engine import Runner

# There where SELinux is on. Permissive counts: to switch to it and back makes no container anew.
SELINUX = Path("/sys/fs/selinux/enforce")

_NAME = re.compile(r"^name:\s*(\S+)\s*$", re.MULTILINE)
_FRAGMENT = re.compile(r"^\s*-\s*services/(\S+)\.yml\s*$", re.MULTILINE)
_LABEL = "com.docker.compose."


@dataclass(frozen=True)
class Project:
    """What compose.yml says: None where it says nothing, or is not there."""

    name: str | None
    fragments: list[str]


@dataclass(frozen=True)
class Service:
    """The container of one service."""

    current: bool
    """It runs, is healthy, was made from the fragment and the image that are there now, and sees its folders."""
    running: bool
    restarting: bool
    """It ends again and again: the engine starts it later and later, and compose does not start it at all."""
    lost_folders: list[str]
    """Folders of its configuration that are not there any more, or not the ones that it sees."""
    labels: dict[str, str]
    addresses: dict[str, str]
    """Its address in each network that it is connected to."""


def read_project(text: str) -> Project:
    """Read the name and the fragments out of the text of compose.yml."""
    name = _NAME.search(text)
    return Project(name.group(1) if name else None, _FRAGMENT.findall(text))


def find_services(docker: str, folder: str, project: str, run: Runner) -> dict[str, dict[str, Any]]:
    """Ask the engine for the first container of each service; a project that compose refuses has no current ones."""

    def lines(*words: str) -> list[str]:
        status, out, _err = run([docker, *words])
        return out.splitlines() if status == 0 else []

    ids = lines("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={_LABEL}project={project}")
    if not ids:
        return {}
    containers = json.loads("\n".join(lines("inspect", *ids)) or "[]")
    images = sorted({container["Config"]["Image"] for container in containers})
    image_ids = {image: "".join(lines("image", "inspect", "--format", "{{.Id}}", image)) for image in images}
    hashes = dict(line.split() for line in lines("compose", "--project-directory", folder, "config", "--hash", "*"))
    return {name: asdict(service) for name, service in judge(containers, hashes, image_ids).items()}


def judge(
    containers: Sequence[Mapping[str, Any]], hashes: Mapping[str, str], image_ids: Mapping[str, str]
) -> dict[str, Service]:
    """Tell of each service whether its container is what `docker compose up` would leave alone, and may."""
    services = {}
    for container in containers:
        labels = dict(container["Config"].get("Labels") or {})
        if labels.get(f"{_LABEL}oneoff") != "False" or labels.get(f"{_LABEL}container-number") != "1":
            continue
        name = labels[f"{_LABEL}service"]
        state = container["State"]
        lost = lost_folders(container)
        services[name] = Service(
            current=(
                state["Status"] == "running"
                and (state.get("Health") or {"Status": "healthy"})["Status"] == "healthy"
                and labels.get(f"{_LABEL}config-hash") == hashes.get(name)
                and container["Image"] == image_ids.get(container["Config"]["Image"])
                and not lost
            ),
            running=state["Status"] == "running",
            restarting=state["Status"] == "restarting",
            lost_folders=lost,
            labels=labels,
            addresses={
                network: settings["IPAddress"] for network, settings in container["NetworkSettings"]["Networks"].items()
            },
        )
    return services
