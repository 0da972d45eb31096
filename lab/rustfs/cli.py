"""The command ``lab rustfs``."""

from __future__ import annotations

import argparse
from typing import Any

from lab import cache, engine
from lab.console import Console
from lab.rustfs import build, layout


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that chooses the profile."""
    parser.add_argument(
        "--profile",
        choices=layout.profiles(),
        default=layout.DEFAULT_PROFILE,
        help="how RustFS is compiled where it has to be (default: %(default)s)",
    )


def add_parser(commands: Any) -> None:
    """Add ``rustfs`` and its own commands."""
    parser = commands.add_parser("rustfs", help="compile RustFS: start, status, wait, clean")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("start", "begin or resume it in the background"),
        ("status", "say how far it is"),
        ("wait", "wait for it and keep the binary"),
        ("clean", "remove the intermediate files, never the binary"),
    ):
        add_profile(actions.add_parser(name, help=text))


def run(options: argparse.Namespace, console: Console) -> None:
    """Carry out one of the actions."""
    place = layout.layout(options.profile)
    if options.action == "start":
        with cache.exclusive(console):
            build.start(engine.ensure(console), console, place)
        return
    client = engine.connect()
    if options.action == "status":
        console.say(describe(build.state(client, place), place, client))
    elif options.action == "wait":
        build.wait(client, console, place)
    else:
        with cache.exclusive(console), console.step(f"intermediate files, profile {place.profile}") as step:
            step.result("removed" if build.clean(client, place) else "none there")


def describe(current: build.State, place: layout.Layout, client: Any) -> str:
    """Return one line on where the build stands."""
    line = f"RustFS {place.version}, profile {place.profile}: {current.value}"
    if current is build.State.RUNNING:
        container = build.container_of(client, place)
        if container is not None:
            line += f", {build.report(container)} (takes {layout.DURATIONS[place.profile]} on two cores)"
    elif current is build.State.FINISHED:
        line += f", {place.binary}"
    return line
