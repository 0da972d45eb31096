"""The bridge network on which the mirror and the lab servers find each other by name."""

from __future__ import annotations

import docker
from docker.errors import NotFound
from docker.models.networks import Network

from lab import names
from lab.console import Console


def ensure(client: docker.DockerClient, console: Console) -> None:
    """Make the lab's network where it is missing."""
    with console.step(f"network {names.NETWORK}") as step:
        if find(client) is None:
            client.networks.create(names.NETWORK, driver="bridge", labels=names.labels("network"))
            step.result("made")
        else:
            step.result("there")


def find(client: docker.DockerClient) -> Network | None:
    """Return the lab's network, or None."""
    try:
        return client.networks.get(names.NETWORK)
    except NotFound:
        return None


def remove(client: docker.DockerClient) -> bool:
    """Remove the lab's network; tell whether there was one."""
    network = find(client)
    if network is None:
        return False
    network.remove()
    return True
