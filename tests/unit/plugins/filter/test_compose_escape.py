# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compose reads back what was escaped."""

from __future__ import annotations

import re

from ansible_collections.onprem.mlflow.plugins.filter.compose_escape import FilterModule
from hypothesis import given
from hypothesis import strategies as st

compose_escape = FilterModule().filters()["compose_escape"]

# The expressions that compose knows: $$, $NAME, ${...}.
INTERPOLATION = re.compile(r"\$(?:(?P<escaped>\$)|(?P<other>.|$))", re.DOTALL)


def interpolate(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        assert match["escaped"], f"compose would interpolate {text!r}"
        return "$"

    return INTERPOLATION.sub(replace, text)


@given(st.text())
def test_interpolation_gives_the_text_back(text: str) -> None:
    escaped = compose_escape(text)

    assert isinstance(escaped, str)
    assert interpolate(escaped) == text


def test_structures_are_escaped_to_their_leaves() -> None:
    value = {"a$": ["$x", 1, None, True, {"b": "${Y:-z}"}]}

    assert compose_escape(value) == {"a$": ["$$x", 1, None, True, {"b": "$${Y:-z}"}]}
