"""Make the Python environment in .venv; a repeated call does nothing. Needs only Python's standard library."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")


def fingerprint() -> str:
    """Name everything the environment depends on: scripts in it hold the checkout's path, too."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for name in REQUIREMENTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


def install_venv_module() -> None:
    """Debian's python3 comes without the part of `venv` that brings pip."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        if shutil.which("apt-get") is None:
            sys.exit("python3 has no `ensurepip`: install your distribution's package for Python's `venv`.")
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        as_root = [] if os.geteuid() == 0 else ["sudo"]
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*as_root, "apt-get", "-qq", "update"], check=True, env=environment)
        subprocess.run([*as_root, "apt-get", "-qq", "install", "--yes", package], check=True, env=environment)


def is_usable() -> bool:
    """An environment of another checkout or another Python has to be made anew."""
    command = [str(VENV / "bin" / "python"), "-c", "import sys; print(sys.prefix, sys.version_info[:2])"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    return answer == f"{VENV} {sys.version_info[:2]}"


def link_collection() -> None:
    """Let Ansible and Python find the checkout under the collection's full name."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    link = VENV / "lib" / version / "site-packages" / "ansible_collections" / "onprem" / "mlflow"
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(ROOT)


def main() -> None:
    if sys.version_info[:2] < OLDEST_PYTHON:
        found = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"python3 is {found}, the tools need 3.11 or newer: run `make PYTHON=python3.12 ...` with one that is."
        )
    stamp = VENV / f".complete-{fingerprint()}"
    if stamp.exists():
        return
    (ROOT / ".cache").mkdir(exist_ok=True)
    with (ROOT / ".cache" / "venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists():
            return
        started = time.monotonic()
        print("venv: installing Ansible and the test tools into .venv (about a minute)", flush=True)
        if not is_usable():
            install_venv_module()
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "--requirement", str(ROOT / "requirements-dev.txt")], check=True, cwd=ROOT)
        link_collection()
        for old in VENV.glob(".complete-*"):
            old.unlink()
        stamp.touch()
        print(f"venv: done in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
