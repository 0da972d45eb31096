"""The command line of the lab."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from lab import cache, down, engine, names, server, show, status, up, used
from lab.console import Console
from lab.errors import LabError
from lab.rustfs import cli as rustfs_cli


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    root = argparse.ArgumentParser(prog="python -m lab", description="A throwaway lab on one machine.")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up_parser = commands.add_parser("up", help="bring up engine, mirror, images and lab servers")
    up_parser.add_argument(
        "--store",
        choices=("rustfs", "local"),
        default="rustfs",
        help="where artifacts will lie: rustfs (compiled once, an hour and more) or a local folder (minutes)",
    )
    up_parser.add_argument(
        "--server",
        action="append",
        metavar="NAME",
        help=f"a lab server; repeat for more (default: {names.DEFAULT_SERVER})",
    )
    up_parser.add_argument(
        "--suite",
        choices=server.SUITES,
        default=server.SUITES[0],
        help="the Debian suite of these servers",
    )
    up_parser.add_argument(
        "--in-use",
        action="store_true",
        help=f"servers with an engine that holds the platform's images already ({server.SUITES[0]} only)",
    )
    up_parser.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="NAME",
        help="an image of this machine that such an engine has, too",
    )
    rustfs_cli.add_profile(up_parser)

    images_parser = commands.add_parser(
        "images", help="put images into the mirror: all that are made in minutes, or these"
    )
    images_parser.add_argument("image", nargs="*", help="such as mysql, or mysql:9.7")
    images_parser.add_argument(
        "--keep", action="store_true", help="have them on this machine's own engine too, under their official names"
    )
    rustfs_cli.add_profile(images_parser)

    down_parser = commands.add_parser("down", help="remove lab servers with their volumes")
    down_parser.add_argument("server", nargs="*", metavar="NAME", help="only these")
    down_parser.add_argument(
        "--all", action="store_true", help="the mirror, its images, the network and the lab's images too"
    )

    commands.add_parser("status", help="say what is there")

    show_parser = commands.add_parser("show", help="print address, user and password of the platform")
    show_parser.add_argument("server", nargs="?", metavar="NAME", default=names.DEFAULT_SERVER)

    rustfs_cli.add_parser(commands)
    return root


def run(options: argparse.Namespace, console: Console) -> None:
    """Carry out one command."""
    if options.command == "up":
        wanted = list(dict.fromkeys(options.server or [names.DEFAULT_SERVER]))
        if options.in_use and options.suite != used.SUITE:
            raise LabError(f"--in-use: found --suite {options.suite}, write --suite {used.SUITE} or leave it out.")
        up.run(
            console,
            wanted,
            options.suite,
            options.store,
            options.profile,
            in_use=options.in_use,
            own_images=options.image,
        )
    elif options.command == "images":
        up.images_only(console, options.image, options.profile, keep=options.keep)
    elif options.command == "down":
        with cache.exclusive(console):
            down.run(engine.connect(), console, options.server, everything=options.all)
    elif options.command == "status":
        status.run(console)
    elif options.command == "show":
        container = server.find(engine.connect(), options.server)
        if container is None or container.status != "running":
            raise LabError(f"The lab server {options.server} does not run; run `python -m lab up`.")
        for line in show.summary(container):
            console.say(line)
    elif options.command == "rustfs":
        rustfs_cli.run(options, console)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; errors that the user can act on are one message and exit code 1."""
    try:
        run(parser().parse_args(arguments), Console())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
