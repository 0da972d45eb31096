# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sentence for each value that does not fit its argument spec."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.option_check import (
    check_option,
    suggest,
    without_bad_items,
)
from hypothesis import example, given
from hypothesis import strategies as st

HOSTS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "host_names": {"type": "list", "elements": "str", "required": True},
        "port": {"type": "int", "required": True},
        "users": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, "password": {"type": "str", "no_log": True}},
        },
    },
}
GOOD = {"host_names": ["a"], "port": 1, "users": [{"name": "x", "password": "hush"}]}


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ({"type": "int"}, 3306),
        ({"type": "int"}, "3306"),
        ({"type": "bool"}, True),
        ({"type": "bool"}, "yes"),
        ({"type": "str"}, "x"),
        ({"type": "str"}, ""),
        ({"type": "str"}, 512),
        ({}, "x"),
        ({"type": "str", "choices": ["mysql"]}, "mysql"),
        ({"type": "list", "elements": "str", "choices": ["a", "b"]}, ["a"]),
        ({"type": "list", "elements": "int"}, []),
        ({"type": "dict"}, {"any": ["thing"]}),
        ({"type": "path"}, "/opt"),
        ({"type": "raw"}, [1]),
        ({"type": "str"}, None),
        (HOSTS, [GOOD]),
    ],
)
def test_fitting_value_passes(spec: dict[str, Any], value: Any) -> None:
    assert check_option("option", spec, value) == []


@pytest.mark.parametrize(
    ("spec", "value", "sentence"),
    [
        ({"type": "int"}, "abc", "option: found 'abc' (str), write an integer."),
        ({"type": "int"}, 1.5, "option: found 1.5 (float), write an integer."),
        ({"type": "int"}, True, "option: found True (bool), write an integer."),
        ({"type": "bool"}, "maybe", "option: found 'maybe' (str), write true or false."),
        ({"type": "str"}, 3.20, "option: found 3.2 (float), write a string in quotes."),
        ({"type": "str"}, True, "option: found True (bool), write a string in quotes."),
        ({"type": "str"}, ["x"], "option: found ['x'] (list), write a string."),
        ({"type": "list"}, "a,b", "option: found 'a,b' (str), write a list."),
        ({"type": "dict"}, "a=b", "option: found 'a=b' (str), write keys with values."),
        ({"type": "dict"}, [1], "option: found [1] (list), write keys with values."),
        ({"type": "path"}, {}, "option: found {} (dict), write a path."),
        ({"choices": ["mysql"]}, "oracle", "option: found 'oracle' (str), write one of: mysql."),
        ({"type": "int", "choices": [1, 2]}, 3, "option: found 3 (int), write one of: 1, 2."),
        ({"type": "int", "default": 4}, None, "option: has no value, write an integer or remove the line."),
        ({"required": True}, None, "option: has no value, write a string or remove the line."),
        ({"no_log": True}, "", "option: is empty, write a value or remove the line."),
        ({"no_log": True}, 123, "option: found (hidden) (int), write a string in quotes."),
        ({"no_log": True, "type": "int"}, "hush", "option: found (hidden) (str), write an integer."),
        (
            {"type": "list", "elements": "str", "choices": ["a", "b"]},
            ["a", "c"],
            "option[1]: found 'c' (str), write one of: a, b.",
        ),
        (
            {"type": "list", "elements": "int"},
            [1, None],
            "option[1]: has no value, write an integer or remove the line.",
        ),
        ({"type": "str", "choices": ["y"]}, "x" * 99, f"option: found '{'x' * 56}... (str), write one of: y."),
        (HOSTS, [{**GOOD, "port": "x"}], "option[0].port: found 'x' (str), write an integer."),
        (HOSTS, [GOOD, {"port": 1}], "option[1].host_names: is missing, write a list."),
        (HOSTS, [{**GOOD, "hostnames": []}], "option[0].hostnames: is not an option, write host_names."),
        (
            HOSTS,
            [{**GOOD, "zzz": 1}],
            "option[0].zzz: is not an option, write one of: host_names, port, users.",
        ),
        (HOSTS, [{**GOOD, "users": [{"name": "x", "password": ""}]}], "option[0].users[0].password: is empty"),
        (HOSTS, [{**GOOD, "users": {"x": "hush"}}], "option[0].users: found (hidden) (dict), write a list."),
        (HOSTS, "hush", "option: found (hidden) (str), write a list."),
    ],
)
def test_unfit_value_gets_one_sentence(spec: dict[str, Any], value: Any, sentence: str) -> None:
    problems = check_option("option", spec, value)

    assert len(problems) == 1
    assert problems[0].startswith(sentence)
    assert "hush" not in problems[0]


def test_name_of_a_secret_hides_its_value_too() -> None:
    assert check_option("mysql_password", {"type": "list"}, "hush") == [
        "mysql_password: found (hidden) (str), write a list."
    ]


def test_no_log_of_a_dict_hides_what_is_in_it() -> None:
    spec = {"type": "dict", "no_log": True, "options": {"port": {"type": "int"}}}

    assert check_option("x", spec, {"port": "hush"}) == ["x.port: found (hidden) (str), write an integer."]


def test_relations_and_aliases_are_kept() -> None:
    spec = {
        "type": "dict",
        "options": {"password": {"aliases": ["pass"]}, "hash": {}},
        "mutually_exclusive": [["password", "hash"]],
        "required_one_of": [["password", "hash"]],
    }

    assert check_option("user", spec, {"pass": "x"}) == []
    assert check_option("user", spec, {"pass": "x", "hash": "y"}) == [
        "user: parameters are mutually exclusive: password|hash."
    ]
    assert check_option("user", spec, {}) == ["user: one of the following is required: password, hash."]


def test_all_problems_of_a_structure_are_found() -> None:
    assert len(check_option("x", HOSTS, [{"port": "a", "users": [{}]}, 3, {**GOOD, "port": None}])) == 5


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["port", "users", "name", "x"]), inner),
    max_leaves=8,
)


@given(ANYTHING)
@example([{"port": float("inf")}])
def test_any_value_gets_sentences_not_errors(value: Any) -> None:
    assert all(problem.startswith("x") and problem.endswith(".") for problem in check_option("x", HOSTS, value))


def test_suggestion() -> None:
    known = ["nginx_virtual_hosts", "nginx_image"]

    assert suggest("nginx_virtualhosts", known) == "nginx_virtual_hosts"
    assert suggest("nginx_colour_of_the_sky", known) is None


def test_bad_items_are_left_out_of_further_checks() -> None:
    assert without_bad_items("x", [1, 2], ["x[1].y: is wrong."]) == [1, None]
    assert without_bad_items("x", [1, 2], []) == [1, 2]
    assert without_bad_items("x", "a", ["x: is wrong."]) is None
