"""Building an image from a folder with a Dockerfile, once per recipe."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import BuildError

from lab import cache, command, names, recipe, rootfs
from lab.errors import LabError

FOLDER = Path(__file__).parent / "images"
# The machine's own way to the package registries; builds use the host's network.
PASSED_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def recipe_digest(name: str, base: str, extra: Mapping[str, object] | None = None) -> str:
    """Return the digest of the recipe in ``lab/images/<name>`` on the base image's digest *base*."""
    return recipe.digest({"base": base, "files": recipe.folder_content(FOLDER / name), "extra": dict(extra or {})})


def build(
    client: docker.DockerClient,
    name: str,
    tag: str,
    digest: str,
    *,
    arguments: Mapping[str, str] | None = None,
    files: Mapping[str, Path] | None = None,
    cpu_shares: int | None = None,
) -> None:
    """Build ``lab/images/<name>`` as *tag*; *files* join the folder's own in the build context."""
    log = cache.log_file(f"image-{name}")
    build_arguments = {key: os.environ[key] for key in PASSED_VARIABLES if key in os.environ}
    with tempfile.TemporaryFile(dir=cache.subfolder()) as context, log.open("w", encoding="utf-8") as output:
        with tarfile.open(fileobj=context, mode="w") as archive:
            archive.add(FOLDER / name, arcname=".", filter=_as_root)
            for target, path in (files or {}).items():
                archive.add(path, arcname=target, filter=_as_root)
        context.seek(0)
        answers = client.api.build(
            fileobj=context,
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            network_mode="host",
            container_limits={} if cpu_shares is None else {"cpushares": cpu_shares},
            buildargs={**build_arguments, **(arguments or {})},
            labels={**names.labels("image"), names.RECIPE_LABEL: digest},
            decode=True,
        )
        try:
            for answer in answers:
                output.write(str(answer.get("stream", "")))
                if "error" in answer:
                    output.write(f"{answer['error']}\n")
                    raise BuildError(answer["error"], iter(()))
        except BuildError as error:
            output.flush()
            text = log.read_text(encoding="utf-8", errors="replace")
            raise LabError(f"Building {tag} failed; the whole log is in {log}:\n{command.tail(text)}") from error


def ensure(
    client: docker.DockerClient,
    name: str,
    tag: str,
    base: str,
    *,
    arguments: Mapping[str, str] | None = None,
) -> bool:
    """Build ``lab/images/<name>`` where the engine lacks it; tell whether it was built now.

    *base* is the digest of what it is built on.
    """
    digest = recipe_digest(name, base, arguments)
    if rootfs.is_current(client, tag, digest):
        return False
    build(client, name, tag, digest, arguments=arguments)
    return True


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Give a context entry root's ownership and a mode that does not depend on the checkout's umask."""
    if "__pycache__" in entry.name:
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    # The classic builder's layer cache looks at content alone; a fixed time keeps contexts identical.
    entry.mtime = 0
    return entry
