"""The images that the collection uses, under their official names, and what each is made from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab.errors import LabError

RUSTFS_VERSION = "1.0.1"
# The last version that MinIO published as a Go module.
MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
LEGO_VERSION = "v4.35.2"
# The last one that Debian 13's Go compiles.
BUILDKIT_VERSION = "v0.26.3"


@dataclass(frozen=True)
class Image:
    """An image of the mirror."""

    folder: str
    repository: str
    tag: str
    suite: str = "trixie"
    arguments: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[str, ...] = ()
    """Variables of the machine that the build takes over where they are set."""

    @property
    def official(self) -> str:
        """The name as people write it."""
        return f"{self.repository.removeprefix('library/')}:{self.tag}"

    def build_arguments(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the Dockerfile's arguments on this machine."""
        return {**self.arguments, **{name: environment[name] for name in self.passed if name in environment}}


PYTHON = Image("python", "library/python", "3.13-slim")
NGINX = Image("nginx", "library/nginx", "1.30", suite="sid")
MYSQL = Image("mysql", "library/mysql", "9.7", suite="sid")
POSTGRES = Image("postgres", "library/postgres", "17", arguments={"PG_MAJOR": "17"})
# For upgrades.
POSTGRES_BEFORE = Image("postgres", "library/postgres", "15", suite="bookworm", arguments={"PG_MAJOR": "15"})
MC = Image("mc", "minio/mc", "latest")
MINIO = Image(
    "minio",
    "minio/minio",
    "latest",
    arguments={"MINIO_VERSION": MINIO_VERSION},
    passed=("GOPROXY", "GOSUMDB"),
)
LEGO = Image("lego", "goacme/lego", LEGO_VERSION, suite="sid", arguments={"LEGO_VERSION": LEGO_VERSION})
# The name that buildx itself asks for.
BUILDKIT = Image(
    "buildkit",
    "moby/buildkit",
    "buildx-stable-1",
    arguments={"BUILDKIT_VERSION": BUILDKIT_VERSION},
    passed=("GOPROXY", "GOSUMDB"),
)
RUSTFS = Image("rustfs", "rustfs/rustfs", RUSTFS_VERSION, suite="sid")

# What the platform runs, whatever its artifact store.
PLATFORM = (PYTHON, NGINX, MYSQL)
# What other databases, the way from MinIO and certificates of an ACME server need.
OTHERS = (POSTGRES, MC, MINIO, LEGO)
# What builds images for several kinds of processors on this machine.
BUILDERS = (BUILDKIT,)
# Made in a minute or two each.
FROM_PACKAGES = (*PLATFORM, *OTHERS, *BUILDERS)


def select(wanted: Iterable[str]) -> list[Image]:
    """Return the images named by their folder or official name."""
    known = {name: image for image in (*FROM_PACKAGES, RUSTFS) for name in (image.folder, image.official)}
    known[POSTGRES_BEFORE.official] = POSTGRES_BEFORE
    chosen = []
    for name in wanted:
        if name not in known:
            raise LabError(
                f"image: found {name!r}, write one of: {', '.join(image.folder for image in (*FROM_PACKAGES, RUSTFS))}."
            )
        chosen.append(known[name])
    return chosen
