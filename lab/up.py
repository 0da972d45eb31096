"""``lab up``: from a bare machine to lab servers that an Ansible playbook can begin with."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import docker
from docker.models.containers import Container

from lab import cache, catalogue, engine, mirror, names, network, rootfs, server, used
from lab.console import Console
from lab.errors import LabError
from lab.rustfs import build, layout
from lab.rustfs.layout import Layout
from lab.supply import Supply
from lab.upstream import Upstream

DEFAULT_PORT = 15000
MIRROR_SUITE = "trixie"


def default_port() -> int:
    """Return the port of this machine that leads to the default server's MLflow."""
    text = os.environ.get("LAB_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise LabError(f"LAB_PORT: found {text!r}, write a port number from 1 to 65535.")
    return int(text)


def run(
    console: Console,
    servers: Sequence[str],
    suite: str,
    store: str,
    profile: str,
    *,
    in_use: bool = False,
    own_images: Sequence[str] = (),
) -> None:
    """Bring up everything that a playbook with this artifact store needs.

    Servers that are *in_use* have an engine already, and in it the platform's images and some of this machine's.
    """
    for name in servers:
        names.server(name)
    port = default_port()
    place = layout.layout(profile)
    with cache.exclusive(console):
        client = engine.ensure(console)
        upstream = Upstream(client)
        compiling = store == "rustfs" and _begin_rustfs(client, console, upstream, place)
        supply = _mirror(client, console, upstream)
        for image in catalogue.PLATFORM:
            supply.ensure(image)
        # MLflow's image, where it is built on this machine.
        supply.keep(catalogue.PYTHON)
        base = rootfs.plan(suite) if suite == MIRROR_SUITE else rootfs.ensure(client, console, suite)
        server.ensure_image(client, console, base)
        made_from, fill = _in_use(client, console, base, own_images) if in_use else (server.image(suite), None)
        for name in servers:
            server.ensure(client, console, name, made_from, port if name == names.DEFAULT_SERVER else None, fill)
        if compiling:
            # The time is there: what later needs one of the others finds it, and the compiler comes first.
            for image in catalogue.OTHERS:
                supply.ensure(image, cpu_shares=build.CPU_SHARES // 4)
    if store == "rustfs":
        _finish_rustfs(client, console, supply, place, compiling=compiling)
    _tell(console, servers, port)


def _in_use(
    client: docker.DockerClient, console: Console, base: rootfs.Base, own_images: Sequence[str]
) -> tuple[str, Callable[[Container], None]]:
    """Have what servers in use are made from: their image, and what fills their engine."""
    used.ensure_image(client, console, base)
    images = [*catalogue.PLATFORM, *([catalogue.RUSTFS] if _in_mirror(client) else [])]
    volume = used.ensure_volume(client, console, mirror.connect(client), images, own_images)
    return used.IMAGE, lambda container: used.fill(client, container, volume)


def images_only(console: Console, wanted: Sequence[str], profile: str, *, keep: bool = False) -> None:
    """Put images into the mirror: the named ones, else all that are made in minutes; *keep* has them here, too."""
    images = catalogue.select(wanted) or list(catalogue.FROM_PACKAGES)
    place = layout.layout(profile)
    with cache.exclusive(console):
        client = engine.ensure(console)
        upstream = Upstream(client)
        compiling = catalogue.RUSTFS in images and _begin_rustfs(client, console, upstream, place)
        supply = _mirror(client, console, upstream)
        for image in images:
            if image is not catalogue.RUSTFS:
                supply.ensure(image)
                if keep:
                    supply.keep(image)
    if catalogue.RUSTFS in images:
        _finish_rustfs(client, console, supply, place, compiling=compiling)


def _mirror(client: docker.DockerClient, console: Console, upstream: Upstream) -> Supply:
    base = rootfs.ensure(client, console, MIRROR_SUITE)
    network.ensure(client, console)
    return Supply(client, console, mirror.ensure(client, console, base), upstream)


def _begin_rustfs(client: docker.DockerClient, console: Console, upstream: Upstream, place: Layout) -> bool:
    """Begin to compile RustFS where there is no other way to it; tell whether it is being compiled."""
    if build.state(client, place) is build.State.BUILT:
        build.collect(client, console, place)
    if layout.finished(place.profile) is not None or _in_mirror(client) or upstream.offers(catalogue.RUSTFS):
        return False
    console.say(
        f"RustFS {place.version} has to be compiled from its crate, once, in the background: "
        f"{layout.DURATIONS[place.profile]} on two cores."
    )
    console.say("  Without it the platform is up in minutes, artifacts in a local folder: `make lab STORE=local`.")
    console.say("  How far it is: `python -m lab rustfs status`. Interrupted, it goes on where it was.")
    build.start(client, console, place)
    return True


def _in_mirror(client: docker.DockerClient) -> bool:
    container = mirror.find(client)
    if container is None or container.status != "running":
        return False
    image = catalogue.RUSTFS
    return mirror.connect(client).digest(image.repository, image.tag) is not None


def _finish_rustfs(
    client: docker.DockerClient, console: Console, supply: Supply, place: Layout, *, compiling: bool
) -> None:
    """Wait for the compiler without holding the lock, then make the image."""
    if compiling:
        build.wait(client, console, place)
    with cache.exclusive(console):
        found = layout.finished(place.profile)
        facts = found.facts() if found else None
        if found is None or facts is None:
            # It was pulled, or the mirror kept it while the cache was removed.
            supply.ensure_there(catalogue.RUSTFS)
        else:
            supply.ensure(catalogue.RUSTFS, {"rustfs": found.binary}, facts.sha256)


def _tell(console: Console, servers: Sequence[str], port: int) -> None:
    console.say()
    console.say("The lab is up:")
    for name in servers:
        where = f", its MLflow will answer at http://localhost:{port}" if name == names.DEFAULT_SERVER else ""
        console.say(f"  {name}: docker exec -it {names.server(name)} bash{where}")
