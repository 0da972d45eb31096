# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a sample is drawn, and where the files of a URI lie."""

from __future__ import annotations

import random
from collections import Counter
from urllib.parse import quote, unquote

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample import (
    ELSEWHERE,
    PROXIED,
    S3,
    Draw,
    File,
    Layout,
    Owner,
    Place,
    is_servable,
    proxied_path,
    scheme_of,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from hypothesis import example, given
from hypothesis import strategies as st

names = st.lists(st.text(max_size=6), max_size=60)
segments = st.text(
    st.characters(blacklist_characters="/?#;", blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=5
)
paths = st.lists(segments, min_size=1, max_size=4).map("/".join)


def draw(size: int, seed: str, offered: list[str]) -> list[str]:
    sample: Draw[str] = Draw(size, seed)
    for name in offered:
        sample.offer(name, name)
    assert sample.offered == len(offered)
    return sample.items()


@given(names, st.integers(1, 70), st.text(max_size=3))
def test_sample_has_its_size_and_nothing_twice(offered: list[str], size: int, seed: str) -> None:
    drawn = draw(size, seed, offered)

    assert len(drawn) == len(set(drawn)) == min(size, len(set(offered)))
    assert set(drawn) <= set(offered)


@given(names, st.integers(1, 70), st.text(max_size=3), st.randoms())
def test_order_and_repetition_do_not_matter(offered: list[str], size: int, seed: str, chance: random.Random) -> None:
    shuffled = offered + offered[:10]
    chance.shuffle(shuffled)

    assert draw(size, seed, shuffled) == draw(size, seed, offered)


@given(names, st.integers(1, 20), st.integers(0, 20), st.text(max_size=3))
def test_smaller_sample_begins_a_larger_one(offered: list[str], size: int, more: int, seed: str) -> None:
    assert draw(size + more, seed, offered)[:size] == draw(size, seed, offered)


@given(names, st.text(max_size=6), st.integers(1, 20), st.text(max_size=3))
def test_another_name_takes_the_place_of_one(offered: list[str], name: str, size: int, seed: str) -> None:
    before, after = set(draw(size, seed, offered)), set(draw(size, seed, [*offered, name]))

    assert len(before - after) <= 1
    assert after - before <= {name}


def test_every_name_is_drawn_as_often() -> None:
    offered = [str(number) for number in range(40)]

    counts = Counter(name for seed in range(2000) for name in draw(10, str(seed), offered))

    # 500 are expected of each; 6 standard deviations are 116.
    assert set(counts) == set(offered)
    assert all(384 < count < 616 for count in counts.values())


@pytest.mark.parametrize(
    ("uri", "scheme", "path"),
    [
        ("mlflow-artifacts:/2/abc/artifacts", PROXIED, "2/abc/artifacts"),
        ("mlflow-artifacts://mlflow.lab:5000/2/abc", PROXIED, "2/abc"),
        ("http://mlflow.lab/api/2.0/mlflow-artifacts/artifacts/2/abc", PROXIED, "2/abc"),
        ("https://mlflow.lab/elsewhere/2/abc", ELSEWHERE, "elsewhere/2/abc"),
        ("S3://bucket/x", S3, "x"),
        ("file:///mlruns/0", ELSEWHERE, "mlruns/0"),
        ("models:/m-1", ELSEWHERE, "m-1"),
        ("dummy-source", ELSEWHERE, "dummy-source"),
        ("", ELSEWHERE, ""),
    ],
)
def test_schemes(uri: str, scheme: str, path: str) -> None:
    assert (scheme_of(uri), proxied_path(uri)) == (scheme, path)


@pytest.mark.parametrize(
    ("uri", "destination", "renamed", "place"),
    [
        ("s3://bucket/my exp/1/artifacts", None, {}, "s3://bucket/my exp/1/artifacts"),
        ("s3://bucket", None, {}, "s3://bucket/"),
        ("s3://bucket/x/", None, {}, "s3://bucket/x"),
        ("mlflow-artifacts:/2/a", "s3://mlflow/artifacts/", {}, "s3://mlflow/artifacts/2/a"),
        ("mlflow-artifacts:/2/a", "s3://mlflow", {}, "s3://mlflow/2/a"),
        ("mlflow-artifacts:/", "s3://mlflow", {}, "s3://mlflow/"),
        ("mlflow-artifacts:/2/a", "s3://new/x", {"new": "old"}, "s3://old/x/2/a"),
        ("mlflow-artifacts:/2/a", "s3://new/x", {"new/x": "old"}, "s3://old/2/a"),
        ("s3://new/x/y/1", None, {"new/x": "old/z", "new": "other", "new/x/y": "s3://third/"}, "s3://third/1"),
        ("s3://new2/x", None, {"new": "old"}, "s3://new2/x"),
        ("s3://new/xy", None, {"new/x": "old"}, "s3://new/xy"),
        ("s3://new", None, {"s3://new/": "old/x"}, "s3://old/x"),
    ],
)
def test_places(uri: str, destination: str | None, renamed: dict[str, str], place: str) -> None:
    assert str(Layout.parse(destination, renamed).place(uri)) == place


@pytest.mark.parametrize("destination", ["./mlartifacts", "s3://", "gs://bucket/x", "bucket"])
def test_destination_that_is_none_is_refused(destination: str) -> None:
    with pytest.raises(InputError, match="artifacts_destination: found"):
        Layout.parse(destination, {})


@pytest.mark.parametrize("renamed", [{"a": ""}, {"": "a"}, {"a": 3}, {"a": None}])
def test_map_that_is_none_is_refused(renamed: dict[str, object]) -> None:
    with pytest.raises(InputError, match="bucket_map: found"):
        Layout.parse(None, renamed)


def test_destination_is_asked_for_where_it_is_needed() -> None:
    with pytest.raises(InputError, match="artifacts_destination: is missing and MLflow serves mlflow-artifacts:/2/a"):
        Layout.parse(None, {}).place("mlflow-artifacts:/2/a")


@given(paths)
def test_file_lies_below_its_owner(path: str) -> None:
    owner = Owner("run", "1", "s3://bucket/x")
    file = File(owner, path, Layout.parse(None, {}).place(owner.uri).below(path))

    assert file.uri == f"s3://bucket/x/{path}"
    assert file.place == Place("bucket", f"x/{path}")


@pytest.mark.parametrize(
    "path", ["plain.txt", "with space.txt", "100%.txt", "what?.txt", "a;b=&+'\".txt", "ünï/日本.txt", "a\\b", "a:b/c d"]
)
def test_usual_names_are_served(path: str) -> None:
    assert is_servable(path)


# Seen to be refused, or served as another name, by MLflow 3.17.2.
@pytest.mark.parametrize(
    "path",
    [
        "hash#tag.txt",
        "100%25.txt",
        "pct%41.txt",
        "Foo:bar.txt",
        "tab\there.txt",
        "a//b",
        "/a",
        "a/",
        "a/./b",
        "a/../b",
        "..",
        "",
        "C:/x",
        "file:/etc/passwd",
        "bell\x07",
        "//[x",
    ],
)
def test_unusual_names_are_not(path: str) -> None:
    assert not is_servable(path)


@given(paths)
@example("a%2523")
def test_what_is_served_survives_the_decoding(path: str) -> None:
    if is_servable(path):
        assert unquote(path) == path
        assert unquote(quote(path)) == path
