# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics as Prometheus reads them. All of it is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PREFIX = "onprem_mlflow_"

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})

# Labels, and the value that goes with them.
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True)
class Family:
    """A metric with all its samples; the name without the prefix."""

    name: str
    help: str
    samples: Sequence[Sample]
    kind: str = "gauge"

    def lines(self) -> list[str]:
        """Return it in the text format."""
        name = PREFIX + self.name
        head = [f"# HELP {name} {self.help}", f"# TYPE {name} {self.kind}"]
        return head + [f"{name}{_labels(labels)} {value:.15g}" for labels, value in self.samples]


def exposition(families: Sequence[Family]) -> str:
    """Return all families that have a sample."""
    return "".join(f"{line}\n" for family in families if family.samples for line in family.lines())


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""
