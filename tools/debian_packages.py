"""Put programs of a Debian suite into the cache without installing them: the machine's own mirror, no root, no service.

Tests of templates need nginx and Compose v2 in the versions that the collection deploys, whatever this machine has.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import apt, cache

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Where the lab's nginx image takes it from.
SUITE = "sid"
# Raise it when the way the packages are unpacked changes.
LAYOUT = 1


def run_apt(folder: Path, *arguments: str) -> None:
    """Call apt with folders of its own, so that the machine's state is neither read nor changed."""
    settings = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": folder / "sources",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder,
        "Dir::Cache::archives": folder / "archives",
        "APT::Sandbox::User": "",
    }
    options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", "--quiet=2", *options, *arguments], check=True, stdout=subprocess.DEVNULL)


def unpack(packages: list[str], target: Path) -> None:
    """Download packages with all they depend on and unpack them below target."""
    with tempfile.TemporaryDirectory(prefix="onprem-mlflow-apt-") as name:
        folder = Path(name)
        for part in ("sources", "lists/partial", "archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        address = apt.choose_mirror(apt.read_sources(), apt.machine_codename(), os.environ).main
        source = f"Types: deb\nURIs: {address}\nSuites: {SUITE}\nComponents: main\nSigned-By: {KEYRING}\n"
        (folder / "sources" / "debian.sources").write_text(source, encoding="utf-8")
        run_apt(folder, "update")
        run_apt(folder, "install", "--yes", "--no-install-recommends", "--download-only", *packages)
        for archive in sorted((folder / "archives").glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", str(archive), str(target)], check=True)


def root_with(*packages: str) -> Path:
    """Return a folder that holds the packages; it is made once and kept in the cache."""
    key = hashlib.sha256(f"{LAYOUT} {SUITE} {' '.join(packages)}".encode()).hexdigest()[:12]
    target = cache.subfolder("packages") / f"{SUITE}-{key}"
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=target.parent))
        try:
            unpack(list(packages), unfinished)
            unfinished.replace(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target


def command(root: Path, program: str) -> list[str]:
    """Build the command that runs a program of the folder with that folder's own C library."""
    loader = next(path for path in sorted(root.glob("usr/lib/*/ld-linux-*.so.*")) if path.exists())
    return [str(loader), "--library-path", str(loader.parent), str(root / program)]


def nginx() -> list[str]:
    return command(root_with("nginx", "docker-compose"), "usr/sbin/nginx")


def compose() -> list[str]:
    return command(root_with("nginx", "docker-compose"), "usr/libexec/docker/cli-plugins/docker-compose")


def promtool() -> list[str]:
    return command(root_with("prometheus"), "usr/bin/promtool")


if __name__ == "__main__":
    for line in ([*nginx(), "-v"], [*compose(), "version"], [*promtool(), "--version"]):
        subprocess.run(line, check=True)
