"""The image mirror: Debian's docker-registry in a container, its storage in a volume."""

from __future__ import annotations

import time

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from lab import builder, command, names, rootfs
from lab.console import Console
from lab.errors import LabError
from lab.registry import Registry

IMAGE = names.image("mirror", "trixie")
_PORT = f"{names.MIRROR_PORT}/tcp"
_START_TIMEOUT = 30


def ensure(client: docker.DockerClient, console: Console, base: rootfs.Base) -> Registry:
    """Build and start the mirror where needed, and wait until it answers."""
    with console.step("mirror") as step:
        builder.ensure(client, "mirror", IMAGE, base.digest, arguments={"BASE": base.tag})
        container = find(client)
        if container is not None and container.attrs["Image"] != client.images.get(IMAGE).id:
            container.remove(force=True)
            container = None
        if container is None:
            container = _create(client)
        running = container.status == "running"
        if not running:
            container.start()
        registry = _wait(client)
        step.result(f"{'running' if running else 'started'}, {registry.address}")
    return registry


def find(client: docker.DockerClient) -> Container | None:
    """Return the mirror's container, or None."""
    try:
        return client.containers.get(names.MIRROR)
    except NotFound:
        return None


def connect(client: docker.DockerClient) -> Registry:
    """Return the running mirror's registry."""
    container = find(client)
    if container is None or container.status != "running":
        raise LabError("The mirror does not run; run `python -m lab up`.")
    return _registry(container)


def remove(client: docker.DockerClient) -> bool:
    """Remove the mirror and what it stores; tell whether there was one."""
    container = find(client)
    if container is not None:
        container.remove(force=True)
    try:
        client.volumes.get(names.MIRROR_VOLUME).remove()
    except NotFound:
        return container is not None
    return True


def _create(client: docker.DockerClient) -> Container:
    return client.containers.create(
        IMAGE,
        name=names.MIRROR,
        hostname=names.MIRROR_ALIAS,
        labels=names.labels("mirror"),
        network=names.NETWORK,
        networking_config={names.NETWORK: client.api.create_endpoint_config(aliases=[names.MIRROR_ALIAS])},
        ports={_PORT: ("127.0.0.1", 0)},
        volumes=[f"{names.MIRROR_VOLUME}:/var/lib/registry"],
    )


def _registry(container: Container) -> Registry:
    published = container.attrs["NetworkSettings"]["Ports"][_PORT]
    return Registry(f"127.0.0.1:{published[0]['HostPort']}")


def _wait(client: docker.DockerClient) -> Registry:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        container = client.containers.get(names.MIRROR)
        if container.status == "running" and _registry(container).answers():
            return _registry(container)
        time.sleep(0.2)
    log = command.container_tail(client.containers.get(names.MIRROR))
    raise LabError(f"The mirror does not answer after {_START_TIMEOUT} s; the end of its log:\n{log}")
