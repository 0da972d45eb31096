# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container like another one, but for some variables and files: what Docker Engine's API is asked for.

What `docker inspect` says of a container is what the API takes for a new one, so that no option of it is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.content_digest import content_digest

# What makes a container part of a compose project: the twin is none of its services.
COMPOSE = "com.docker.compose."
DIGEST = "onprem.mlflow.twin"


def twin_of(
    inspected: Mapping[str, Any],
    environment: Mapping[str, str | None],
    files: Mapping[str, str],
    networks: Sequence[str],
    content: str = "",
) -> dict[str, Any]:
    """Return the body of `POST /containers/create`; its label DIGEST tells twins apart, with what `content` stands for.

    A variable that is None is left out. Raise KeyError with the path of a file that the container does not have.
    """
    config = deepcopy(dict(inspected["Config"]))
    host = deepcopy(dict(inspected["HostConfig"]))
    # It is the short name of the other container.
    config.pop("Hostname", None)
    before = dict(line.split("=", 1) for line in config["Env"])
    variables = {**before, **environment}
    config["Env"] = sorted(f"{name}={value}" for name, value in variables.items() if value is not None)
    mounts = {mount["Target"]: mount for mount in host.get("Mounts") or []}
    # Where SELinux has them labelled, files are among these: SOURCE:TARGET:OPTIONS.
    binds = {bind.split(":")[1]: number for number, bind in enumerate(host.get("Binds") or [])}
    for target, source in files.items():
        if target in binds:
            host["Binds"][binds[target]] = ":".join([source, *host["Binds"][binds[target]].split(":")[1:]])
        else:
            mounts[target]["Source"] = source
    host["NetworkMode"] = networks[0]
    host["PortBindings"] = {}
    config["HostConfig"] = host
    config["NetworkingConfig"] = {"EndpointsConfig": {networks[0]: {}}}
    labels = {name: value for name, value in (config.get("Labels") or {}).items() if not name.startswith(COMPOSE)}
    digest = content_digest([config, labels, list(networks), inspected["Image"], content])
    config["Labels"] = {**labels, DIGEST: digest}
    return config


def digest_of(body: Mapping[str, Any]) -> str:
    """Return what a body, or the Config of a container, has as DIGEST."""
    return str((body.get("Labels") or {}).get(DIGEST, ""))
