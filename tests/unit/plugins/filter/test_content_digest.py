# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Equal content, equal digest; other content, another digest."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.onprem.mlflow.plugins.filter.content_digest import FilterModule
from hypothesis import given
from hypothesis import strategies as st

content_digest = FilterModule().filters()["content_digest"]

CONTENT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reordered(item) for item in value]
    return value


@given(CONTENT)
def test_key_order_does_not_matter(content: Any) -> None:
    assert content_digest(content) == content_digest(reordered(content))


@given(CONTENT)
def test_more_content_is_other_content(content: Any) -> None:
    assert len({content_digest(item) for item in (content, [content], {"a": content}, {"b": content})}) == 4


@pytest.mark.parametrize(("one", "other"), [([1, 2], [2, 1]), ("1", 1), (True, 1), (None, ""), ({}, [])])
def test_difference_shows(one: Any, other: Any) -> None:
    assert content_digest(one) != content_digest(other)


def test_digest_is_stable_over_releases() -> None:
    assert content_digest({"b": 1, "a": [True, "x"]}) == (
        "f15ef113d6e0c876b9ea9e90ebc36ad3f8b350d44634ba2fc407e978fb8cebeb"
    )


@pytest.mark.parametrize("content", [{1: "x"}, [datetime.date(2026, 1, 1)], float("nan"), [float("inf")]])
def test_other_types_are_refused(content: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="content_digest"):
        content_digest(content)
