"""How far cargo has come, read from what it prints."""

from __future__ import annotations

import re
from dataclasses import dataclass

# RustFS 1.0.1 and everything it is built on.
CRATES = 810
_COMPILING = re.compile(r"^\s*Compiling (\S+) v(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Progress:
    """Crates begun so far, and the last of them."""

    begun: int
    last: str

    def __str__(self) -> str:
        total = max(CRATES, self.begun)
        return f"{self.begun} of about {total} crates, now {self.last}" if self.begun else "fetching the crates"


def read(log: str) -> Progress:
    """Return the progress that a log shows; a crate begun again after an interruption counts once."""
    begun = _COMPILING.findall(log)
    return Progress(len(set(begun)), begun[-1][0] if begun else "")
