"""Docker's plugin buildx for this machine's own `docker`, out of Debian's package, without installing anything."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import docker

from lab import builder, cache, names, rootfs
from lab.console import Console

NAME = "docker-buildx"
SUITE = "trixie"
_IN_IMAGE = f"/usr/libexec/docker/cli-plugins/{NAME}"


def ensure(client: docker.DockerClient, console: Console) -> Path:
    """Return the plugin's file, taken from the image that Debian's package is installed in."""
    base = rootfs.ensure(client, console, SUITE)
    image = names.image("buildx", SUITE)
    with console.step("buildx") as step:
        built = builder.ensure(client, "buildx", image, base.digest, arguments={"BASE": base.tag})
        made_from = str(client.images.get(image).id).removeprefix("sha256:")[:12]
        plugin = cache.subfolder("buildx", made_from) / NAME
        if not plugin.exists():
            _copy(client, image, plugin)
        step.result("built" if built else "there")
    return plugin


def _copy(client: docker.DockerClient, image: str, target: Path) -> None:
    container = client.containers.create(image, labels=names.labels("buildx"))
    try:
        chunks, _ = container.get_archive(_IN_IMAGE)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            archive.extract(NAME, target.parent / "part", filter="data")
    finally:
        container.remove()
    (target.parent / "part" / NAME).rename(target)
