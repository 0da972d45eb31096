"""Lab servers that have been in use: their engine is installed, and holds images already.

What takes minutes on a bare server is done once, in a volume that each of them begins with a copy of.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import docker
from docker.errors import ImageNotFound
from docker.models.containers import Container

from lab import builder, cache, command, names, recipe, rootfs, server
from lab.catalogue import Image
from lab.console import Console
from lab.errors import LabError
from lab.registry import Registry

SUITE = "trixie"
IMAGE = names.image("server", f"{SUITE}-used")
ENGINE_FOLDER = "/var/lib/docker"
_VOLUME_PREFIX = f"{names.PREFIX}-used-"
_MAKER = "in-use-maker"
_ENGINE_TIMEOUT = 60


def ensure_image(client: docker.DockerClient, console: Console, base: rootfs.Base) -> None:
    """Build the image of these servers where it is missing or its recipe changed."""
    bare = builder.recipe_digest("server", base.digest, {"BASE": base.tag})
    with console.step(f"server image {SUITE} with an engine") as step:
        built = builder.ensure(client, "used", IMAGE, bare, arguments={"SERVER": server.image(SUITE)})
        step.result("built" if built else "there")


def ensure_volume(
    client: docker.DockerClient, console: Console, registry: Registry, pulled: Sequence[Image], own: Sequence[str]
) -> str:
    """Make the volume where it is missing; *pulled* come from the mirror, *own* are images of this machine."""
    held = {image.official: registry.digest(image.repository, image.tag) for image in pulled}
    held |= {name: _identity(client, name) for name in own}
    volume = _VOLUME_PREFIX + recipe.digest({"server": client.images.get(IMAGE).id, "images": held})
    with console.step("engine of a server in use") as step:
        there = _note(volume).exists() and bool(client.volumes.list(filters={"name": volume}))
        if not there:
            remove_volumes(client)
            _make(client, volume, [image.official for image in pulled], own)
        step.result("there" if there else "made")
    return volume


def fill(client: docker.DockerClient, container: Container, volume: str) -> None:
    """Give a server that has not been started yet a copy of the volume."""
    own = next(mount["Name"] for mount in container.attrs["Mounts"] if mount["Destination"] == ENGINE_FOLDER)
    client.containers.run(
        IMAGE,
        ["cp", "-a", "/from/.", "/to/"],
        volumes={volume: {"bind": "/from", "mode": "ro"}, own: {"bind": "/to", "mode": "rw"}},
        labels=names.labels("copy"),
        network_mode="none",
        remove=True,
    )


def remove_volumes(client: docker.DockerClient) -> int:
    """Remove the volumes that servers began with a copy of; return how many there were."""
    found = client.volumes.list(filters={"name": _VOLUME_PREFIX})
    for volume in found:
        _note(str(volume.name)).unlink(missing_ok=True)
        volume.remove()
    return len(found)


def _identity(client: docker.DockerClient, name: str) -> str:
    try:
        return str(client.images.get(name).id)
    except ImageNotFound as error:
        raise LabError(f"image: found {name}, which is no image of this machine's engine.") from error


def _note(volume: str) -> Path:
    """Return the file that says that a volume is complete."""
    return cache.subfolder("used") / volume


def _make(client: docker.DockerClient, volume: str, pulled: Sequence[str], own: Sequence[str]) -> None:
    arguments = server.create_arguments(server.settings())
    arguments["volumes"] = [path for path in arguments["volumes"] if path != ENGINE_FOLDER]
    arguments["volumes"].append(f"{volume}:{ENGINE_FOLDER}")
    stale = server.find(client, _MAKER)
    if stale is not None:
        server.remove(stale)
    client.volumes.create(volume, labels=names.labels("used"))
    container = server.create(client, _MAKER, IMAGE, arguments)
    try:
        server.boot(container)
        _wait_for_engine(container)
        for name in pulled:
            _execute(container, ["docker", "pull", "--quiet", name])
        for name in own:
            _carry(container, name)
        _execute(container, ["systemctl", "stop", "docker.socket", "docker", "containerd"])
    finally:
        server.remove(container)
    _note(volume).touch()


def _wait_for_engine(container: Container) -> None:
    deadline = time.monotonic() + _ENGINE_TIMEOUT
    while (answer := command.execute(container, ["docker", "info"]))[0]:
        if time.monotonic() > deadline:
            raise LabError(f"The engine of {container.name} does not start:\n{command.tail(answer[1])}")
        time.sleep(0.5)


def _execute(container: Container, arguments: list[str]) -> None:
    status, output = command.execute(container, arguments)
    if status:
        raise LabError(f"{' '.join(arguments)} failed in {container.name}:\n{command.tail(output)}")


def _carry(container: Container, image: str) -> None:
    """Load an image of this machine into the server's engine."""
    load = ["docker", "exec", "--interactive", str(container.name), "docker", "load", "--quiet"]
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:
        done = subprocess.run(load, stdin=save.stdout, capture_output=True, text=True, check=False)
    if save.returncode or done.returncode:
        raise LabError(f"{image} did not get into {container.name}:\n{command.tail(done.stderr)}")
