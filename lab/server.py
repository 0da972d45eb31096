"""Lab servers: systemd containers that an Ansible playbook cannot tell from a bare machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import docker
import yaml
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from lab import builder, command, names, resolver, rootfs
from lab.console import Console
from lab.errors import LabError

# Debian 13 first, which a server has unless it is asked otherwise.
SUITES = ("trixie", "bookworm")
SETTINGS = Path(__file__).parent / "server.yml"
PUBLISHED_PORT = 15000
_BOOT_TIMEOUT = 120
_PORT_TAKEN = ("port is already allocated", "address already in use")
_VARIANT_LABEL = f"{names.LABEL}.server"


def settings() -> dict[str, Any]:
    """Return the container settings of a lab server."""
    loaded: dict[str, Any] = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    return loaded


def image(suite: str) -> str:
    """Return the name of the image that a lab server with Debian *suite* is made from."""
    return names.image("server", suite)


def create_arguments(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of ``server.yml`` in the words of the Docker SDK."""
    return {
        "cap_add": list(stated["capabilities"]),
        "devices": [f"{device}:{device}:rwm" for device in stated["devices"] if Path(device).exists()],
        "security_opt": list(stated["security_opts"]),
        "cgroupns": stated["cgroupns_mode"],
        "tmpfs": dict.fromkeys(stated["tmpfs"], ""),
        "volumes": list(stated["volumes"]),
        "environment": {**stated["env"], "LAB_NAMESERVERS": " ".join(resolver.nameservers())},
        "network": stated["networks"][0]["name"],
    }


def ensure_image(client: docker.DockerClient, console: Console, base: rootfs.Base) -> None:
    """Build the lab server's image where it is missing or its recipe changed."""
    with console.step(f"server image {base.suite}") as step:
        built = builder.ensure(client, "server", image(base.suite), base.digest, arguments={"BASE": base.tag})
        step.result("built" if built else "there")


def find(client: docker.DockerClient, name: str) -> Container | None:
    """Return the container of the lab server *name*, or None."""
    try:
        return client.containers.get(names.server(name))
    except NotFound:
        return None


def every(client: docker.DockerClient) -> list[Container]:
    """Return all lab servers, running or not."""
    found = client.containers.list(all=True, filters={"label": f"{names.ROLE_LABEL}=server"})
    return sorted(found, key=lambda container: str(container.name))


def ensure(
    client: docker.DockerClient,
    console: Console,
    name: str,
    wanted: str,
    port: int | None,
    fill: Callable[[Container], None] | None = None,
) -> None:
    """Make and boot the lab server *name* from the image *wanted*.

    *port* of the loopback interface leads to its MLflow; *fill* does what is to be done before its first start.
    """
    with console.step(f"server {name}") as step:
        container = find(client, name)
        made = container is None
        if container is None:
            container = _make(client, name, wanted, port, fill)
        elif container.attrs["Config"]["Image"] != wanted:
            raise LabError(
                f"server {name}: made from {container.attrs['Config']['Image']}, not from {wanted}; "
                f"`python -m lab down {name}` makes room for another one."
            )
        booted = container.status == "running"
        if not booted:
            _start(container, port)
        _wait(container)
        outdated = container.attrs["Image"] != client.images.get(wanted).id
        step.result("made and running" if made else "running" if booted else "started")
    if outdated:
        console.say(f"  made from an older image: `python -m lab down {name}` and `python -m lab up` give a new one")


def remove(container: Container) -> None:
    """Remove a lab server together with its volumes."""
    container.remove(force=True, v=True)


def create(client: docker.DockerClient, name: str, wanted: str, arguments: Mapping[str, Any]) -> Container:
    """Create a lab server from the image *wanted* and leave it at that."""
    return client.containers.create(
        **arguments,
        image=wanted,
        name=names.server(name),
        hostname=name,
        labels={**names.labels("server"), _VARIANT_LABEL: name},
        networking_config={arguments["network"]: client.api.create_endpoint_config(aliases=[name])},
    )


def boot(container: Container) -> None:
    """Start a lab server and wait until it is up."""
    container.start()
    _wait(container)


def _make(
    client: docker.DockerClient, name: str, wanted: str, port: int | None, fill: Callable[[Container], None] | None
) -> Container:
    arguments = create_arguments(settings())
    if port is not None:
        arguments["ports"] = {f"{PUBLISHED_PORT}/tcp": ("127.0.0.1", port)}
    container = create(client, name, wanted, arguments)
    if fill is None:
        return container
    try:
        container.reload()
        fill(container)
    except BaseException:
        # The next run would take it for whole.
        remove(container)
        raise
    return container


def _start(container: Container, port: int | None) -> None:
    try:
        container.start()
    except APIError as error:
        if port is not None and any(sign in str(error) for sign in _PORT_TAKEN):
            raise LabError(f"Port {port} is in use on this machine; write a free one into LAB_PORT.") from error
        raise


def _wait(container: Container) -> None:
    """Wait until systemd has started everything that it means to start."""
    deadline = time.monotonic() + _BOOT_TIMEOUT
    state = "unknown"
    while time.monotonic() < deadline:
        container.reload()
        if container.status != "running":
            log = command.container_tail(container)
            raise LabError(f"{container.name} stopped while it booted; the end of its log:\n{log}")
        state = _ask(container, ["systemctl", "is-system-running"])
        if state == "running":
            return
        if state == "degraded":
            failed = _ask(container, ["systemctl", "list-units", "--failed", "--plain", "--no-legend"])
            units = ", ".join(line.split()[0] for line in failed.splitlines() if line.strip())
            raise LabError(
                f"{container.name} is degraded, these units failed: {units}; "
                f"see `docker exec {container.name} journalctl -u UNIT`."
            )
        time.sleep(0.5)
    raise LabError(f"{container.name} is not up after {_BOOT_TIMEOUT} s; systemd says: {state}.")


def _ask(container: Container, arguments: list[str]) -> str:
    _, output = command.execute(container, arguments)
    return output.strip()
