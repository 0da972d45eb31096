"""``lab status``: what is there, without changing anything."""

from __future__ import annotations

from lab import catalogue, engine, mirror, names, server, show
from lab.console import Console
from lab.registry import Registry
from lab.rustfs import build, layout
from lab.rustfs import cli as rustfs_cli


def run(console: Console) -> None:
    """Print one line per part of the lab."""
    client = engine.answering()
    if client is None:
        console.say("engine: none answers")
        return
    console.say(f"engine: Docker {client.version()['Version']}")

    container = mirror.find(client)
    if container is None or container.status != "running":
        console.say("mirror: not running")
    else:
        registry = mirror.connect(client)
        console.say(f"mirror: {registry.address}, http://{names.MIRROR_ALIAS}:{names.MIRROR_PORT} from the servers")
        _images(console, registry)

    for profile in layout.profiles():
        place = layout.layout(profile)
        current = build.state(client, place)
        if current is not build.State.ABSENT:
            console.say(rustfs_cli.describe(current, place, client))

    servers = server.every(client)
    if not servers:
        console.say("servers: none")
    for found in servers:
        port = show.published_port(found)
        where = f", http://localhost:{port}" if port else ""
        console.say(f"server {str(found.name).removeprefix(f'{names.PREFIX}-')}: {found.status}{where}")


def _images(console: Console, registry: Registry) -> None:
    for image in (*catalogue.FROM_PACKAGES, catalogue.RUSTFS):
        held = registry.digest(image.repository, image.tag) is not None
        console.say(f"  {image.official}: {'there' if held else 'missing'}")
