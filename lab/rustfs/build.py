"""The compilation: one container in the background, resumable, never two at once."""

from __future__ import annotations

import enum
import hashlib
import os
import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path

import docker
from docker.models.containers import Container

from lab import builder, command, names, rootfs
from lab.console import Console, duration
from lab.errors import LabError
from lab.rustfs import layout, progress
from lab.rustfs.layout import HERE, Facts, Layout

IMAGE = names.image("rust", "sid")
# Half of what other containers get when both want the processor.
CPU_SHARES = 512
_POLL_SECONDS = 5
_REPORT_SECONDS = 60


class State(enum.Enum):
    """Where a build stands."""

    ABSENT = "not begun"
    RUNNING = "compiling"
    INTERRUPTED = "interrupted"
    BUILT = "built"
    FINISHED = "finished"


def container_of(client: docker.DockerClient, place: Layout) -> Container | None:
    """Return the container that works in the build's folder, whatever its name."""
    for container in client.containers.list(all=True, ignore_removed=True):
        sources = [mount.get("Source") for mount in container.attrs["Mounts"]]
        if str(place.work) in sources:
            return container
    return None


def state(client: docker.DockerClient, place: Layout) -> State:
    """Tell where the build stands."""
    if place.facts() is not None:
        return State.FINISHED
    container = container_of(client, place)
    if container is not None and container.status == "running":
        return State.RUNNING
    if place.built.is_file():
        return State.BUILT
    return State.INTERRUPTED if container is not None else State.ABSENT


def start(client: docker.DockerClient, console: Console, place: Layout) -> None:
    """Begin the build or go on with it, in the background; one that is under way or finished is left alone."""
    current = state(client, place)
    if current in (State.FINISHED, State.BUILT):
        collect(client, console, place)
        return
    if current is not State.RUNNING:
        _refuse_second(client, place)
        base = rootfs.ensure(client, console, "sid")
        with console.step("Rust compiler image") as step:
            built = builder.ensure(client, "rust", IMAGE, base.digest, arguments={"BASE": base.tag})
            step.result("built" if built else "there")
    with console.step(f"compiling RustFS {place.version}, profile {place.profile}") as step:
        if current is State.RUNNING:
            step.result("under way")
            return
        _write_inputs(place)
        container = container_of(client, place) or _create(client, place)
        container.start()
        step.result("begun in the background" if current is State.ABSENT else "resumed in the background")


def _refuse_second(client: docker.DockerClient, place: Layout) -> None:
    for profile in layout.profiles():
        other = layout.layout(profile)
        if other != place and state(client, other) is State.RUNNING:
            raise LabError(
                f"RustFS is being compiled with the profile {profile}; "
                f"wait for it: `python -m lab rustfs wait --profile {profile}`."
            )


def _write_inputs(place: Layout) -> None:
    (place.work / "cargo").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(place.settings, place.work / "cargo" / "config.toml")
    for name in ("run.sh", "rustc-wrapper"):
        shutil.copy(HERE / name, place.work / name)


def _create(client: docker.DockerClient, place: Layout) -> Container:
    return client.containers.create(
        IMAGE,
        ["/build/run.sh"],
        name=f"{names.RUSTFS_BUILD}-{place.profile}",
        labels=names.labels("rustfs-build"),
        environment={
            "RUSTFS_VERSION": place.version,
            **{name: os.environ[name] for name in builder.PASSED_VARIABLES if name in os.environ},
        },
        network_mode="host",
        cpu_shares=CPU_SHARES,
        volumes=[f"{place.work}:/build"],
    )


def elapsed(container: Container) -> float:
    """Return for how long the container has run, or ran last."""
    stated = container.attrs["State"]
    begun = _moment(stated["StartedAt"])
    ended = time.time() if container.status == "running" else _moment(stated["FinishedAt"])
    return max(0.0, ended - begun)


def _moment(text: str) -> float:
    """Return Docker's time, which has more digits than Python reads, in seconds."""
    return datetime.fromisoformat(text[:19] + "+00:00").timestamp()


def report(container: Container) -> str:
    """Return one line on how far the build has come."""
    read = progress.read(container.logs(stderr=True).decode(errors="replace"))
    return f"{read}, {duration(elapsed(container))}"


def wait(client: docker.DockerClient, console: Console, place: Layout) -> None:
    """Wait until the build is finished, with a line on its progress every minute."""
    with console.step(f"RustFS {place.version}, profile {place.profile}") as step:
        told = 0.0
        while (current := state(client, place)) is State.RUNNING:
            if time.monotonic() - told >= _REPORT_SECONDS:
                container = container_of(client, place)
                if container is not None:
                    console.say(f"  {report(container)}")
                told = time.monotonic()
            time.sleep(_POLL_SECONDS)
        if current is State.ABSENT:
            raise LabError(f"No compilation is under way; run `python -m lab rustfs start --profile {place.profile}`.")
        if current is State.INTERRUPTED:
            raise LabError(_why(client, place))
        step.result("compiled")
    collect(client, console, place)


def _why(client: docker.DockerClient, place: Layout) -> str:
    resume = f"`python -m lab rustfs start --profile {place.profile}` goes on where it was"
    container = container_of(client, place)
    if container is None:
        return f"The container that compiled RustFS was removed; {resume}."
    stated = container.attrs["State"]
    if stated.get("OOMKilled"):
        return f"The compiler of RustFS ran out of memory; give the machine more, then {resume}."
    return (
        f"Compiling RustFS ended with exit code {stated['ExitCode']}; {resume}. "
        f"The end of its log:\n{command.container_tail(container)}"
    )


def collect(client: docker.DockerClient, console: Console, place: Layout) -> None:
    """Keep the finished binary; the folder with it appears at once and complete."""
    if place.facts() is not None:
        return
    with console.step(f"RustFS binary, profile {place.profile}") as step:
        for left in place.root.glob(".collect-*"):
            shutil.rmtree(left)
        container = container_of(client, place)
        seconds = None if container is None else round(elapsed(container))
        with tempfile.TemporaryDirectory(prefix=".collect-", dir=place.root) as temporary:
            folder = Path(temporary) / "finished"
            folder.mkdir()
            binary = folder / "rustfs"
            shutil.copyfile(_stripped(client, place), binary)
            binary.chmod(0o755)
            if place.timings.is_file():
                shutil.copyfile(place.timings, folder / "cargo-timing.html")
            with binary.open("rb") as handle:
                sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
            layout.write_facts(folder, Facts(place.version, place.profile, sha256, binary.stat().st_size, seconds))
            os.sync()
            folder.rename(place.finished)
        step.result(f"kept in {place.finished}")


def _stripped(client: docker.DockerClient, place: Layout) -> Path:
    """Return the binary without its symbols, which are more than half of it.

    The profile asks cargo for that, and with the linker used here the symbols stay nevertheless.
    """
    container = container_of(client, place)
    image = IMAGE if container is None else str(container.attrs["Image"])
    stripped = place.built.with_name("rustfs.stripped")
    client.containers.run(
        image,
        ["strip", "-o", f"/build/out/bin/{stripped.name}", f"/build/out/bin/{place.built.name}"],
        labels=names.labels("rustfs-build"),
        volumes=[f"{place.work}:/build"],
        remove=True,
    )
    return stripped


def clean(client: docker.DockerClient, place: Layout) -> bool:
    """Remove what was compiled on the way to a finished binary; tell whether there was anything."""
    if state(client, place) is State.RUNNING:
        raise LabError(f"RustFS is being compiled with the profile {place.profile}; it is left alone.")
    container = container_of(client, place)
    if container is not None:
        container.remove()
    if not place.work.exists():
        return container is not None
    log = place.root / "clean.log"
    command.run_logged(command.as_root(["rm", "-rf", str(place.work)]), log)
    log.unlink()
    return True
