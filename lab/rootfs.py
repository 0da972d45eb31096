"""Base images: a minimal Debian made by debootstrap from the machine's own mirror."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from lab import apt, cache, command, names, recipe
from lab.console import Console
from lab.errors import LabError

EXTRA_CERTIFICATES = Path("/usr/local/share/ca-certificates")
# Raised when the way of making a base image changes.
RECIPE_VERSION = 1
# sid's Release file may be out of date on a mirror that is a snapshot.
SID_OPTION = 'Acquire::Check-Valid-Until "false";\n'


@dataclass(frozen=True)
class Base:
    """The recipe of a base image."""

    suite: str
    sources_list: str
    apt_options: str
    certificates: tuple[tuple[str, str], ...]
    mirror: str

    @property
    def tag(self) -> str:
        return names.image("base", self.suite)

    @property
    def digest(self) -> str:
        return recipe.digest(
            {
                "version": RECIPE_VERSION,
                "suite": self.suite,
                "sources": self.sources_list,
                "options": self.apt_options,
                "certificates": [[name, hashlib.sha256(text.encode()).hexdigest()] for name, text in self.certificates],
            }
        )


def read_certificates(folder: Path = EXTRA_CERTIFICATES) -> tuple[tuple[str, str], ...]:
    """Return the CA certificates that the machine trusts on top of Debian's."""
    if not folder.is_dir():
        return ()
    found = sorted(folder.rglob("*.crt"))
    return tuple((path.name, path.read_text(encoding="ascii")) for path in found)


def plan(suite: str) -> Base:
    """Return the recipe of the base image of *suite* on this machine."""
    mirror = apt.choose_mirror(apt.read_sources(), apt.machine_codename(), os.environ)
    options = apt.copied_options()
    return Base(
        suite=suite,
        sources_list=mirror.sources_list(suite),
        apt_options=options + (SID_OPTION if suite == "sid" else ""),
        certificates=read_certificates(),
        mirror=mirror.main,
    )


def is_current(client: docker.DockerClient, tag: str, digest: str) -> bool:
    """Tell whether the engine holds *tag* made by the recipe *digest*."""
    try:
        found = client.images.get(tag)
    except ImageNotFound:
        return False
    return found.labels.get(names.RECIPE_LABEL) == digest


def ensure(client: docker.DockerClient, console: Console, suite: str) -> Base:
    """Make the base image of *suite* where it is missing or its recipe changed."""
    base = plan(suite)
    with console.step(f"base image {suite}") as step:
        if is_current(client, base.tag, base.digest):
            step.result("there")
        else:
            _make(client, base)
            step.result("made by debootstrap")
    return base


def _make(client: docker.DockerClient, base: Base) -> None:
    log = cache.log_file(f"base-{base.suite}")
    log.unlink(missing_ok=True)
    if shutil.which("debootstrap", path=command.full_environment()["PATH"]) is None:
        command.apt_install(["debootstrap"], log)
    with _workplace(log) as tree:
        command.run_logged(
            command.as_root(
                [
                    "debootstrap",
                    "--variant=minbase",
                    "--include=ca-certificates",
                    f"--cache-dir={cache.subfolder('debs', base.suite)}",
                    base.suite,
                    str(tree),
                    base.mirror,
                ]
            ),
            log,
        )
        _write(tree / "etc/apt/sources.list", base.sources_list)
        _write(tree / "etc/apt/apt.conf.d/90lab", base.apt_options)
        for name, text in base.certificates:
            _write(tree / "usr/local/share/ca-certificates" / name, text)
        command.run_logged(command.as_root(["chroot", str(tree), "update-ca-certificates"]), log)
        _import(client, base, tree)


@contextmanager
def _workplace(log: Path) -> Iterator[Path]:
    """Give a folder for the tree, removed afterwards; one that a killed run left behind goes first."""
    for left in cache.subfolder().glob("rootfs-*"):
        _discard(left, log)
    parent = Path(tempfile.mkdtemp(prefix="rootfs-", dir=cache.subfolder()))
    try:
        yield parent / "tree"
    finally:
        _discard(parent, log)


def _discard(parent: Path, log: Path) -> None:
    """Remove a tree together with what debootstrap left mounted in it."""
    for mounted in _mounts_below(parent):
        command.run_logged(command.as_root(["umount", mounted]), log)
    command.run_logged(command.as_root(["rm", "-rf", "--one-file-system", str(parent)]), log)


def _mounts_below(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    points = [line.split()[1] for line in lines]
    return sorted((point for point in points if point.startswith(f"{folder}/")), reverse=True)


def _write(path: Path, text: str) -> None:
    """Write a file of the tree, which belongs to root."""
    subprocess.run(command.as_root(["tee", str(path)]), input=text, text=True, stdout=subprocess.DEVNULL, check=True)


def _import(client: docker.DockerClient, base: Base, tree: Path) -> None:
    skipped = ["./proc/*", "./sys/*", "./dev/*", "./var/cache/apt/archives/*.deb", "./var/lib/apt/lists/*"]
    arguments = ["tar", "-C", str(tree), *(f"--exclude={pattern}" for pattern in skipped), "-c", "."]
    repository, tag = base.tag.rsplit(":", 1)
    labels = {**names.labels("base"), names.RECIPE_LABEL: base.digest}
    changes = [f"LABEL {key}={value}" for key, value in labels.items()]
    changes += ['CMD ["/bin/bash"]', "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    with subprocess.Popen(command.as_root(arguments), stdout=subprocess.PIPE) as packing:
        answer = client.api.import_image(
            src=packing.stdout, repository=repository, tag=tag, changes=changes, stream_src=True
        )
    if packing.returncode != 0:
        raise LabError(f"tar failed with exit code {packing.returncode} while packing {tree}.")
    if "error" in answer:
        raise LabError(f"The engine refused the base image {base.tag}: {answer.strip()}")
