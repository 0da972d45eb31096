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
PROMETHEUS_VERSION = "v0.313.5"


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
    shared: str = ""
    """Folder of the recipe where several images share one."""

    @property
    def recipe(self) -> str:
        """The folder with the Dockerfile."""
        return self.shared or self.folder

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
# As a Go module it counts its releases from 0.300.
PROMETHEUS = Image(
    "prometheus",
    "prom/prometheus",
    "v3.13.5",
    suite="sid",
    arguments={"PROMETHEUS_VERSION": PROMETHEUS_VERSION},
    passed=("GOPROXY", "GOSUMDB"),
)


def _exporter(folder: str, repository: str, tag: str, program: str, port: int) -> Image:
    """Each is a Debian package with one program."""
    package = f"prometheus-{folder}"
    version = tag.removeprefix("v")
    arguments = {"PACKAGE": package, "VERSION": version, "PROGRAM": program, "PORT": str(port)}
    return Image(folder, repository, tag, suite="sid", arguments=arguments, shared="exporter")


EXPORTERS = (
    _exporter("node-exporter", "prom/node-exporter", "v1.11.1", "/bin/node_exporter", 9100),
    _exporter("mysqld-exporter", "prom/mysqld-exporter", "v0.19.0", "/bin/mysqld_exporter", 9104),
    _exporter("postgres-exporter", "prometheuscommunity/postgres-exporter", "v0.19.1", "/bin/postgres_exporter", 9187),
    _exporter("nginx-exporter", "nginx/nginx-prometheus-exporter", "1.5.1", "/usr/bin/nginx-prometheus-exporter", 9113),
)
RUSTFS = Image("rustfs", "rustfs/rustfs", RUSTFS_VERSION, suite="sid")

# What the platform runs, whatever its artifact store.
PLATFORM = (PYTHON, NGINX, MYSQL)
# What other databases, the way from MinIO and certificates of an ACME server need.
OTHERS = (POSTGRES, MC, MINIO, LEGO)
# What builds images for several kinds of processors on this machine.
BUILDERS = (BUILDKIT,)
# What watches a platform. Prometheus is compiled, the others are made in seconds.
WATCHERS = (PROMETHEUS, *EXPORTERS)
# Made in a minute or two each.
FROM_PACKAGES = (*PLATFORM, *OTHERS, *BUILDERS)
EVERY = (*FROM_PACKAGES, *WATCHERS, RUSTFS)


def select(wanted: Iterable[str]) -> list[Image]:
    """Return the images named by their folder or official name."""
    known = {name: image for image in EVERY for name in (image.folder, image.official)}
    known[POSTGRES_BEFORE.official] = POSTGRES_BEFORE
    chosen = []
    for name in wanted:
        if name not in known:
            raise LabError(f"image: found {name!r}, write one of: {', '.join(image.folder for image in EVERY)}.")
        chosen.append(known[name])
    return chosen
