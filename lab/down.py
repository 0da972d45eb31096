"""``lab down``: removes lab servers, and with ``--all`` everything but the compiled cache."""

from __future__ import annotations

from collections.abc import Sequence

import docker
from docker.errors import APIError, NotFound

from lab import mirror, names, network, server, used
from lab.console import Console
from lab.errors import LabError


def run(client: docker.DockerClient, console: Console, wanted: Sequence[str], *, everything: bool) -> None:
    """Remove the named servers, else all of them; *everything* takes mirror, network and images along."""
    if wanted and everything:
        raise LabError("down: found server names beside --all, write one or the other.")
    _servers(client, console, wanted)
    if everything:
        with console.step("mirror") as step:
            step.result("removed" if mirror.remove(client) else "none there")
        with console.step(f"network {names.NETWORK}") as step:
            step.result(_network(client))
        with console.step("engine of a server in use") as step:
            step.result("removed" if used.remove_volumes(client) else "none there")
        with console.step("what BuildKit has built") as step:
            step.result(_built(client))
        with console.step("images") as step:
            step.result(_images(client))


def _servers(client: docker.DockerClient, console: Console, wanted: Sequence[str]) -> None:
    present = {str(container.name): container for container in server.every(client)}
    containers = [names.server(name) for name in wanted] if wanted else list(present)
    if not containers:
        console.say("No lab server is there.")
    for container in containers:
        with console.step(f"server {container.removeprefix(f'{names.PREFIX}-')}") as step:
            if container in present:
                server.remove(present[container])
                step.result("removed")
            else:
                step.result("none there")


def _network(client: docker.DockerClient) -> str:
    found = network.find(client)
    if found is None:
        return "none there"
    users = sorted(str(container.name) for container in found.containers)
    if users:
        return f"kept, used by {', '.join(users)}"
    found.remove()
    return "removed"


def _built(client: docker.DockerClient) -> str:
    try:
        client.volumes.get(names.BUILDKIT_VOLUME).remove()
    except NotFound:
        return "none there"
    return "removed"


def _images(client: docker.DockerClient) -> str:
    """Remove the lab's images, each after those that are built on it."""
    removed = 0
    pending = client.images.list(filters={"label": f"{names.LABEL}=true"})
    while True:
        kept = []
        for image in pending:
            try:
                for name in image.tags or [str(image.id)]:
                    client.images.remove(name)
                removed += 1
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise
                if error.status_code == 409:
                    kept.append(image)
        if not kept or len(kept) == len(pending):
            break
        pending = kept
    return f"{removed} removed" + (f", {len(kept)} kept that a container uses" if kept else "")
