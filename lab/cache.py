"""The cache folder outside the checkout, and the lock that keeps two runs apart."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.console import Console


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the cache folder: ``ONPREM_MLFLOW_CACHE``, else ``onprem-mlflow`` in the user's cache."""
    own = environment.get("ONPREM_MLFLOW_CACHE")
    if own:
        return Path(own).expanduser().absolute()
    users = environment.get("XDG_CACHE_HOME")
    base = Path(users) if users else Path(environment.get("HOME") or Path.home()) / ".cache"
    return base / "onprem-mlflow"


def subfolder(*parts: str) -> Path:
    """Return a folder in the cache, made where it is missing."""
    path = folder().joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def log_file(name: str) -> Path:
    """Return the path of the log that the step *name* writes."""
    return subfolder("logs") / f"{name}.log"


@contextmanager
def exclusive(console: Console) -> Iterator[None]:
    """Hold the lab's lock; a second run says that it waits, and goes on when the first is through."""
    path = subfolder() / "lab.lock"
    with path.open("a+", encoding="ascii") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            console.say(f"Another run of the lab (process {holder}) holds {path}; waiting for it to finish.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        yield
