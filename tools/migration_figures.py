"""Measure the migration's copy and comparison on a lab server with a real MinIO and a real RustFS.

python -m tools.migration_figures

Ratios within one run: each repeat measures all tools one after the other, on the same objects, into a RustFS that is
empty. A module's time is that of its Ansible task, on the way to the server and back included.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAME = "figures"
SERVER = f"onprem-mlflow-lab-{NAME}"
KEY, SECRET = "figures", "figures-secret"
BUCKET = "figures"
MIB, GIB = 1 << 20, 1 << 30
LARGE = [*[1 * GIB] * 2, *[512 * MIB] * 2, *[256 * MIB] * 4]
STORES = {"src": "minio", "dst": "rustfs"}
PORT = 9000
WORK = "/srv/figures"
RUSTFS_DATA = "/srv/rustfs"
LISTING_PORTS = (19001, 19002)
PACKAGES = ("curl", "docker.io", "docker-cli", "python3-boto3", "python3-requests", "rclone", "minio-client")
# As many at once as mc has after a few seconds.
RCLONE = ("--transfers=16", "--checkers=16", "--retries=1")
READY_SECONDS = 120


def on_server(
    *words: str, stdin: str | None = None, environment: Mapping[str, str] | None = None, server: str = SERVER
) -> str:
    """Run a command on a lab server and return what it printed; variables are not on its command line."""
    names = [word for name in environment or {} for word in ("--env", name)]
    command = ["docker", "exec", "--interactive", *names, server, *words]
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, env={**os.environ, **(environment or {})}, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        )
    return done.stdout


def timed(action: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def say(text: str) -> None:
    load = os.getloadavg()[0]
    print(f"{time.strftime('%H:%M:%S')} load {load:4.1f}  {text}", flush=True)


class Lab:
    """The lab server, with MinIO and RustFS."""

    def __init__(self) -> None:
        for words in (("images", "mc", "minio", "rustfs"), ("up", "--server", NAME)):
            subprocess.run([sys.executable, "-m", "lab", *words], cwd=ROOT, check=True)
        on_server("mkdir", "--parents", "/etc/docker", WORK)
        on_server("tee", "/etc/docker/daemon.json", stdin='{"registry-mirrors": ["http://mirror:5000"]}')
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        on_server("apt-get", "-qq", "update", environment=quiet)
        on_server("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *PACKAGES, environment=quiet)
        for name in ("s3_fill", "s3_listings"):
            on_server("tee", f"{WORK}/{name}.py", stdin=(ROOT / "tools" / f"{name}.py").read_text())
        on_server("docker", "pull", "--quiet", "minio/mc:latest")
        self._run(
            "minio", "minio/minio:latest", "/minio/health/ready", "--volume=minio:/data", then=["server", "/data"]
        )

    def _run(self, name: str, image: str, health: str, *options: str, then: list[str] | None = None) -> None:
        """Start a store anew and wait until it is ready."""
        on_server("docker", "rm", "--force", name)
        keys = {
            "minio": {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET},
            "rustfs": {"RUSTFS_ACCESS_KEY": KEY, "RUSTFS_SECRET_KEY": SECRET},
        }[name]
        words = ["docker", "run", "--detach", f"--name={name}", *options, *[f"--env={variable}" for variable in keys]]
        on_server(*words, image, *(then or []), environment=keys)
        deadline = time.monotonic() + READY_SECONDS
        ask = ["docker", "exec", SERVER, "curl", "--silent", "--fail", f"{self.url(name)}{health}"]
        while subprocess.run(ask, capture_output=True, check=False).returncode:
            if time.monotonic() > deadline:
                raise SystemExit(f"{name} is not ready after {READY_SECONDS} s: {on_server('docker', 'logs', name)}")
            time.sleep(0.5)

    def empty_target(self) -> None:
        """Start RustFS with nothing in it but the bucket."""
        on_server("docker", "rm", "--force", "rustfs")
        on_server("rm", "--recursive", "--force", RUSTFS_DATA)
        on_server("install", "--directory", "--owner=10001", "--group=10001", RUSTFS_DATA)
        options = ("--env=RUSTFS_VOLUMES=/data", "--env=RUSTFS_CHECK_UPDATE=false", f"--volume={RUSTFS_DATA}:/data")
        self._run("rustfs", "rustfs/rustfs:1.0.1", "/health/ready", *options)
        on_server("minio-client", "mb", "--quiet", f"dst/{BUCKET}", environment=self.mc_variables())
        # Nothing that is still to be written is to slow the next one down.
        on_server("sync")

    def url(self, name: str) -> str:
        """Return the address that all clients on the server use."""
        template = "{{.NetworkSettings.IPAddress}}"
        address = on_server("docker", "inspect", "--format", template, name).strip()
        return f"http://{address}:{PORT}"

    def store(self, name: str) -> dict[str, str]:
        """Return a store as the modules take it."""
        return {"endpoint_url": self.url(name), "access_key": KEY, "secret_key": SECRET}

    def mc_variables(self) -> dict[str, str]:
        urls = {alias: self.url(name) for alias, name in STORES.items()}
        return {f"MC_HOST_{alias}": url.replace("://", f"://{KEY}:{SECRET}@") for alias, url in urls.items()}

    def rclone_variables(self) -> dict[str, str]:
        found = {}
        for alias, name in STORES.items():
            settings = {
                "TYPE": "s3",
                "PROVIDER": "Minio",
                "ENDPOINT": self.url(name),
                "ACCESS_KEY_ID": KEY,
                "SECRET_ACCESS_KEY": SECRET,
            }
            found.update({f"RCLONE_CONFIG_{alias.upper()}_{setting}": value for setting, value in settings.items()})
        return found

    def fill(self, small: int, large: list[int]) -> dict[str, int]:
        """Write the objects of the source, unless they are there."""
        mark = f"{WORK}/filled-{small}-{sum(large)}.json"
        if not on_server("find", mark.rpartition("/")[0], "-path", mark):
            task = {"store": self.store("minio"), "bucket": BUCKET, "small": small, "large": large, "seed": "figures"}
            on_server("tee", mark, stdin=on_server("python3", f"{WORK}/s3_fill.py", stdin=json.dumps(task)))
        return dict(json.loads(on_server("cat", mark)))

    def module(self, name: str, options: Mapping[str, Any]) -> tuple[float, dict[str, Any]]:
        """Run a module as a task; return how long that took, in seconds, and its result."""
        play = [{"hosts": "all", "gather_facts": False, "tasks": [{f"onprem.mlflow.{name}": dict(options)}]}]
        with tempfile.TemporaryDirectory() as folder:
            # A playbook: keys do not belong on a command line.
            book = Path(folder) / "play.json"
            book.write_text(json.dumps(play))
            words = ["ansible-playbook", "--inventory", f"{SERVER},", "--connection", "community.docker.docker"]
            done = subprocess.run(
                [*words, str(book)],
                cwd=ROOT,
                env={
                    **os.environ,
                    "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                    "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
                },
                capture_output=True,
                text=True,
                check=False,
            )
        # Before it are the lines that show how far a copy is.
        answer = json.loads(done.stdout[done.stdout.index("\n{\n" if not done.stdout.startswith("{") else "{") :])
        task = answer["plays"][0]["tasks"][0]
        result = task["hosts"][SERVER]
        if done.returncode:
            raise SystemExit(f"{name}: {result.get('msg')}\n{done.stderr[-2000:]}")
        start, end = (datetime.fromisoformat(task["task"]["duration"][at]) for at in ("start", "end"))
        return (end - start).total_seconds(), result


def copies(lab: Lab, totals: Mapping[str, int]) -> dict[str, float]:
    """Copy everything with each tool into an empty RustFS, with the module last; return the seconds of each."""
    tools: dict[str, Callable[[], object]] = {
        # Tags come along only so, which is what the module asks for, too.
        "mc": lambda: on_server(
            *("minio-client", "mirror", "--json", "--preserve", f"src/{BUCKET}", f"dst/{BUCKET}"),
            environment=lab.mc_variables(),
        ),
        "rclone": lambda: on_server(
            *("rclone", "copy", *RCLONE, f"src:{BUCKET}", f"dst:{BUCKET}"), environment=lab.rclone_variables()
        ),
    }
    seconds = {}
    for name, tool in tools.items():
        lab.empty_target()
        seconds[name] = timed(tool)
        say(f"{name} copied in {seconds[name]:.1f} s")
    lab.empty_target()
    on_server("rm", "--recursive", "--force", f"{WORK}/copy")
    options = {
        "source": lab.store("minio"),
        "target": lab.store("rustfs"),
        "bucket": BUCKET,
        "image": "minio/mc:latest",
        "directory": f"{WORK}/copy",
        "objects_total": totals["objects"],
        "bytes_total": totals["bytes"],
    }
    seconds["module"], result = lab.module("mc_mirror", options)
    say(f"mc_mirror copied in {seconds['module']:.1f} s: {result['msg']}")
    return seconds


def comparisons(lab: Lab, totals: Mapping[str, int]) -> dict[str, float]:
    """Compare what was copied, and compare it again since; return the seconds of each."""
    journal = f"{WORK}/compare.jsonl"
    stores = {"source": lab.store("minio"), "target": lab.store("rustfs"), "bucket": BUCKET, "workers": 8}
    seconds = {}
    seconds["full"], full = lab.module("s3_compare", {**stores, "journal": journal})
    say(f"s3_compare: {seconds['full']:.1f} s, {full['seconds']} s of them in the module; {full['by']}")
    check = ("rclone", "check", "--download", *RCLONE, f"src:{BUCKET}", f"dst:{BUCKET}")
    seconds["rclone"] = timed(lambda: on_server(*check, environment=lab.rclone_variables()))
    say(f"rclone check --download: {seconds['rclone']:.1f} s")
    since = {**stores, "journal": f"{WORK}/since.jsonl", "since": journal}
    seconds["since"], later = lab.module("s3_compare", since)
    say(f"s3_compare since: {seconds['since']:.1f} s, {later['seconds']} s of them in the module")
    for found in (full, later):
        if not found["equal"] or found["objects"] != totals["objects"]:
            raise SystemExit(
                f"s3_compare: {found['objects']} objects, equal: {found['equal']}, {found['different'][:3]}"
            )
    if later["earlier"] != totals["objects"]:
        raise SystemExit(f"s3_compare since: only {later['earlier']} of {totals['objects']} were known")
    return seconds


def memory(lab: Lab, objects: int) -> tuple[int, int]:
    """Compare synthetic stores of so many objects, and again since; return the memory of both, in bytes."""
    program = subprocess.Popen(
        ["docker", "exec", SERVER, "timeout", "3600", "python3", f"{WORK}/s3_listings.py", str(objects)]
        + [str(port) for port in LISTING_PORTS],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if program.stdout is None or program.stdout.readline() != "ready\n":
            raise SystemExit("s3_listings.py did not start")
        urls = [f"http://127.0.0.1:{port}" for port in LISTING_PORTS]
        stores = {
            name: {"endpoint_url": url, "access_key": KEY, "secret_key": SECRET}
            for name, url in zip(("source", "target"), urls, strict=True)
        }
        journal = f"{WORK}/listed-{objects}.jsonl"
        used = []
        for more in ({"journal": journal}, {"since": journal}):
            took, found = lab.module("s3_compare", {**stores, "bucket": BUCKET, "workers": 8, **more})
            if found["same"] != objects:
                raise SystemExit(f"s3_compare: {found['same']} of {objects} synthetic objects are the same")
            used.append(int(found["memory_bytes"]))
            say(f"s3_compare of {objects} listed keys: {took:.1f} s, {used[-1] / 1e6:.1f} MB {' '.join(more)}")
    finally:
        on_server("pkill", "--full", "s3_listings.py")
        program.wait()
    return used[0], used[1]


def row(what: str, pairs: list[tuple[float, float]], aim: str) -> str:
    """Return a line of the table: medians of both, and the median of the ratios."""
    one, other = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return f"| {what} | {statistics.median(one):.1f} s | {statistics.median(other):.1f} s | {ratio:.2f} | {aim} |"


def store_rows(lab: Lab, repeats: int, small: int) -> list[str]:
    """Measure copy and comparison."""
    totals = lab.fill(small, LARGE)
    say(f"{totals['objects']} objects, {totals['bytes'] / 1e9:.2f} GB")
    copied, compared = [], []
    for _ in range(repeats):
        copied.append(copies(lab, totals))
        compared.append(comparisons(lab, totals))
    both = list(zip(copied, compared, strict=True))
    download = [(k["full"], k["rclone"]) for k in compared]
    return [
        row("`mc_mirror` ÷ `mc mirror --preserve`", [(c["module"], c["mc"]) for c in copied], "1.05 or less"),
        row("`mc_mirror` ÷ `rclone copy`", [(c["module"], c["rclone"]) for c in copied], ""),
        row("`s3_compare` ÷ `mc_mirror`", [(k["full"], c["module"]) for c, k in both], "0.3 or less"),
        row("`s3_compare` ÷ `rclone check --download`", download, "1.2 or less"),
        row("`s3_compare` with `since` ÷ without", [(k["since"], k["full"]) for k in compared], ""),
    ]


def memory_rows(lab: Lab, keys: list[int]) -> list[str]:
    """Measure memory."""
    few, many = (memory(lab, count) for count in keys)
    return [
        f"| memory of `s3_compare`{how}, {keys[1]:,} listed keys ÷ {keys[0]:,} "
        f"| {many[at] / 1e6:.0f} MB | {few[at] / 1e6:.0f} MB | {many[at] / few[at]:.2f} | flat |"
        for at, how in enumerate(("", " with `since`"))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured; the median counts")
    parser.add_argument("--small", type=int, default=20_000, help="how many objects of 4 to 64 KiB")
    parser.add_argument(
        "--keys", type=int, nargs=2, default=[100_000, 1_000_000], help="listed keys to see memory with"
    )
    parser.add_argument("--only", choices=("stores", "memory"), help="measure only this")
    options = parser.parse_args()
    lab = Lab()
    rows = store_rows(lab, options.repeats, options.small) if options.only != "memory" else []
    rows += memory_rows(lab, options.keys) if options.only != "stores" else []
    print("\n".join(["| what | this | that | ratio | aim |", "|---|---|---|---|---|", *rows]))


if __name__ == "__main__":
    main()
