# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access key, against answers written down from the source of RustFS 1.0.1."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.rustfs_policy import (
    bucket_policy,
    check_policy,
    normalise,
)
from ansible_collections.onprem.mlflow.plugins.modules import rustfs_access_key
from hypothesis import given
from hypothesis import strategies as st

SOURCE = Path(__file__).parents[1] / "fixtures" / "rustfs-1.0.1-from-source"
ROOT_SECRET = "root $ \"'\\#%@:/? ä"
SECRET = "key $ \"'\\#%@:/? ä"
ADMIN = "/rustfs/admin/v3/"


class Rustfs(ThreadingHTTPServer):
    """Checks signatures as S3 does, and keeps users and policies."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.users: dict[str, Any] = json.loads((SOURCE / "list_users.json").read_text())
        self.policies: dict[str, Any] = json.loads((SOURCE / "list_canned_policies.json").read_text())
        self.secrets = dict.fromkeys(self.users, SECRET) | {"operator": ROOT_SECRET}
        self.changes: list[str] = []
        self.failing: dict[str, tuple[int, str]] = {}
        self.forgets_secrets = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Rustfs

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def signer(self, body: bytes) -> str | None:
        """Return the key whose signature the request bears."""
        fields = dict(part.strip().split("=", 1) for part in self.headers["Authorization"].split(" ", 1)[1].split(","))
        access_key, date, region, service, _ = fields["Credential"].split("/")
        assert (region, service) == ("us-east-1", "s3")
        digest = self.headers["x-amz-content-sha256"]
        assert digest == hashlib.sha256(body).hexdigest()
        target = urlsplit(self.path)
        names = fields["SignedHeaders"].split(";")
        canonical = "\n".join(
            [
                self.command,
                target.path,
                "&".join(sorted(target.query.split("&"))),
                *(f"{name}:{self.headers[name]}" for name in names),
                "",
                fields["SignedHeaders"],
                digest,
            ]
        )
        scope = f"{date}/{region}/{service}/aws4_request"
        text = "\n".join(
            [
                "AWS4-HMAC-SHA256",
                self.headers["X-Amz-Date"],
                scope,
                hashlib.sha256(canonical.encode()).hexdigest(),
            ]
        )
        key = f"AWS4{self.server.secrets.get(access_key, '')}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return access_key if signature == fields["Signature"] else None

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        target = urlsplit(self.path)
        action = target.path.removeprefix(ADMIN)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        signer = self.signer(body)
        if signer is None:
            self.reply(403, (SOURCE / "signature_does_not_match.xml").read_bytes())
        elif action in self.server.failing:
            status, name = self.server.failing[action]
            self.reply(status, (SOURCE / name).read_bytes())
        elif action == "/":
            self.reply(200, (SOURCE / "list_buckets.xml").read_bytes())
        elif signer != "operator":
            self.reply(403, b"<Error><Code>AccessDenied</Code></Error>")
        elif self.command == "GET":
            self.reply(200, json.dumps(self.server.users if action == "list-users" else self.server.policies).encode())
        else:
            self.server.changes.append(f"{self.command} {action}")
            self.change(action, query, json.loads(body or b"null"))
            self.reply(200, b"")

    def change(self, action: str, query: dict[str, str], body: Any) -> None:
        server = self.server
        if action == "add-canned-policy":
            server.policies[query["name"]] = body
        elif action == "add-user":
            server.users.setdefault(query["accessKey"], {})["status"] = body["status"]
            if not server.forgets_secrets:
                server.secrets[query["accessKey"]] = body["secretKey"]
        elif action == "set-user-status":
            server.users[query["accessKey"]]["status"] = query["status"]
        elif action == "set-user-or-group-policy":
            assert query["isGroup"] == "false"
            server.users[query["userOrGroup"]]["policyName"] = query["policyName"]
        elif action == "remove-user":
            del server.users[query["accessKey"]]
        elif action == "remove-canned-policy":
            del server.policies[query["name"]]
        else:
            raise AssertionError(action)

    do_GET = do_PUT = do_DELETE = handle_any  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def rustfs() -> Iterator[Rustfs]:
    with Rustfs() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]], rustfs: Rustfs) -> Run:
    def call(check: bool = False, **args: Any) -> dict[str, Any]:
        defaults = {
            "endpoint_url": rustfs.url,
            "root_access_key": "operator",
            "root_secret_key": ROOT_SECRET,
            "access_key": "mlflow-artifacts",
            "secret_key": SECRET,
            "policy_name": "mlflow-artifacts",
            "policy": bucket_policy("mlflow"),
        }
        before = copy.deepcopy((rustfs.users, rustfs.policies))
        result = run_module(rustfs_access_key.main, {**defaults, **args}, check=check, diff=True)
        if check:
            assert (rustfs.users, rustfs.policies, rustfs.changes) == (*before, [])
        text = json.dumps(result, ensure_ascii=False) + json.dumps(result)
        assert not any(secret in text for secret in (SECRET, ROOT_SECRET, "another-secret"))
        return result

    return call


def test_key_as_wanted_is_left_alone(run: Run, rustfs: Rustfs) -> None:
    result = run()

    assert (result["changed"], result["actions"], rustfs.changes) == (False, [], [])
    assert result["diff"]["before"] == result["diff"]["after"]


# What is asked for, what is then done, and which requests do it.
CASES = [
    (
        {"access_key": "new-key"},
        ["key made", "policy attached"],
        ["PUT add-user", "PUT set-user-or-group-policy"],
    ),
    (
        {"access_key": "new-key", "policy_name": "new-policy"},
        ["policy written", "key made", "policy attached"],
        ["PUT add-canned-policy", "PUT add-user", "PUT set-user-or-group-policy"],
    ),
    ({"secret_key": "another-secret"}, ["secret changed"], ["PUT add-user"]),
    ({"policy": bucket_policy("other")}, ["policy written"], ["PUT add-canned-policy"]),
    ({"access_key": "switched-off"}, ["key enabled"], ["PUT add-user"]),
    ({"enabled": False}, ["key disabled"], ["PUT set-user-status"]),
    ({"access_key": "too-much"}, ["policy attached"], ["PUT set-user-or-group-policy"]),
    ({"access_key": "nothing-yet"}, ["policy attached"], ["PUT set-user-or-group-policy"]),
    (
        {"access_key": "too-much", "secret_key": "another-secret", "enabled": False},
        ["secret changed", "key disabled", "policy attached"],
        ["PUT add-user", "PUT set-user-status", "PUT set-user-or-group-policy"],
    ),
    ({"state": "absent", "access_key": "too-much", "policy_name": None}, ["key removed"], ["DELETE remove-user"]),
    ({"state": "absent", "access_key": "too-much"}, ["key removed"], ["DELETE remove-user"]),
    (
        {"state": "absent", "access_key": "too-much", "policy_name": "one-prefix"},
        ["key removed", "policy removed"],
        ["DELETE remove-user", "DELETE remove-canned-policy"],
    ),
]


@pytest.mark.parametrize(("args", "actions", "requests"), CASES)
def test_five_steps(run: Run, rustfs: Rustfs, args: dict[str, Any], actions: list[str], requests: list[str]) -> None:
    predicted = run(check=True, **args)
    assert (predicted["changed"], predicted["actions"]) == (True, actions)

    done = run(**args)
    assert (done["changed"], done["actions"], rustfs.changes) == (True, actions, requests)
    assert done["diff"] == predicted["diff"]
    assert done["diff"]["before"] != done["diff"]["after"]

    rustfs.changes.clear()
    assert run(check=True, **args)["actions"] == []
    again = run(**args)
    assert (again["changed"], again["actions"], rustfs.changes) == (False, [], [])


def test_new_key_is_as_asked_for(run: Run, rustfs: Rustfs) -> None:
    run(access_key="new-key", policy_name="new-policy", policy=bucket_policy("mlflow", "a"))

    assert rustfs.users["new-key"] == {"status": "enabled", "policyName": "new-policy"}
    assert rustfs.secrets["new-key"] == SECRET
    assert rustfs.policies["new-policy"] == bucket_policy("mlflow", "a")


def test_killed_run_is_continued(run: Run, rustfs: Rustfs) -> None:
    rustfs.failing["set-user-or-group-policy"] = (503, "not_ready.xml")
    failed = run(access_key="new-key")
    assert "answered 503 ServiceUnavailable Service not ready; wait until /health/ready" in failed["msg"]

    rustfs.failing.clear()
    assert run(access_key="new-key")["actions"] == ["policy attached"]


def test_secret_of_a_disabled_key_is_not_tried(run: Run) -> None:
    assert run(access_key="switched-off", enabled=False, secret_key="another-secret")["actions"] == []


def test_key_that_does_not_work_afterwards_is_told(run: Run, rustfs: Rustfs) -> None:
    rustfs.forgets_secrets = True

    assert "refuses its secret" in run(secret_key="another-secret")["msg"]


def test_wrong_administrator_is_told(run: Run) -> None:
    msg = run(root_secret_key="not it")["msg"]

    assert "answered 403 SignatureDoesNotMatch" in msg
    assert msg.endswith("; look at the administrator's access key and secret key.")
    assert "whether the key is the administrator's" in run(root_access_key="too-much", root_secret_key=SECRET)["msg"]


def test_refusal_of_a_policy_is_told(run: Run, rustfs: Rustfs) -> None:
    rustfs.failing["add-canned-policy"] = (400, "invalid_action.xml")

    assert "400 InvalidRequest invalid action: 's3:NoSuchAction'" in run(policy=bucket_policy("other"))["msg"]


def test_silent_server_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    msg = run(endpoint_url=f"http://127.0.0.1:{port}")["msg"]
    assert msg.startswith(f"RustFS at http://127.0.0.1:{port} does not answer (")
    assert "refused" in msg
    assert "object at" not in msg


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({"endpoint_url": "127.0.0.1:9000"}, "endpoint_url: found '127.0.0.1:9000'"),
        ({"endpoint_url": "http://a/below"}, "endpoint_url: found 'http://a/below'"),
        ({"access_key": "ab"}, "access_key: found 'ab'"),
        ({"access_key": "a=b,c"}, "access_key: found 'a=b,c'"),
        ({"access_key": "operator"}, "is the administrator's own"),
        ({"access_key": "operator", "state": "absent"}, "is the administrator's own"),
        ({"secret_key": "seven77"}, "secret_key: is too short, write at least 8 characters."),
        ({"policy_name": "a,b"}, "policy_name: found 'a,b'"),
        ({"policy": {"Version": "2012-10-17", "Statement": []}}, "write at least one statement"),
        ({"policy": None}, "policy: is missing"),
        ({"secret_key": None}, "secret_key: is missing"),
    ],
)
def test_bad_option_is_refused_before_anything_is_sent(
    run: Run, rustfs: Rustfs, args: dict[str, Any], sentence: str
) -> None:
    rustfs.failing = {"list-users": (500, "not_ready.xml"), "list-canned-policies": (500, "not_ready.xml")}

    assert sentence in run(**args)["msg"]


ALLOW = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::mlflow/*"]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Action": ["s3:Get*"]}, "statement 1 has the action 's3:Get*', write exact names, or s3:* for all."),
        ({"Action": "*"}, "has the action '*'"),
        ({"Action": ["admin:*"]}, "has the action 'admin:*'"),
        ({"Action": []}, "either Action or NotAction"),
        ({"NotAction": ["s3:GetObject"]}, "either Action or NotAction"),
        ({"Resource": ["mlflow/*"]}, "has the resource 'mlflow/*'"),
        ({"Resource": None}, "either Resource or NotResource"),
        ({"Effect": "allow"}, "has the Effect 'allow'"),
        ({"Principal": "*"}, "has Principal, write only"),
    ],
)
def test_bad_statement_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as failure:
        check_policy({"Version": "2012-10-17", "Statement": [{**ALLOW, **change}]})
    assert sentence in str(failure.value)


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("{}", "found a str"),
        ({"Version": "2008-10-17", "Statement": [ALLOW]}, "its Version is '2008-10-17'"),
        ({"Version": "2012-10-17", "Statement": ALLOW}, "is empty or no list"),
        ({"Version": "2012-10-17", "Statement": ["x"]}, "statement 1 is a str"),
        ({"Version": "2012-10-17", "Statement": [ALLOW], "statement": []}, "statement is no part of a policy"),
    ],
)
def test_bad_policy_is_refused(policy: Any, sentence: str) -> None:
    with pytest.raises(InputError) as failure:
        check_policy(policy)
    assert sentence in str(failure.value)


def test_all_actions_may_be_allowed() -> None:
    check_policy({"Version": "2012-10-17", "Statement": [{**ALLOW, "Action": "s3:*"}]})


def test_policies_in_the_form_of_the_server_are_equal() -> None:
    server = json.loads((SOURCE / "list_canned_policies.json").read_text())

    assert normalise(server["mlflow-artifacts"]) == normalise(bucket_policy("mlflow"))
    assert normalise(server["mlflow-artifacts"]) != normalise(bucket_policy("mlflow2"))
    listing = {**server["one-prefix"]["Statement"][0], "Condition": {"StringLike": {"s3:prefix": ["artifacts/*"]}}}
    assert normalise(server["one-prefix"]) == normalise({"Version": "2012-10-17", "Statement": [listing], "ID": ""})


STATEMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Deny"]),
            "Action": st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:*"]), min_size=1),
            "Resource": st.lists(st.sampled_from(["arn:aws:s3:::a", "arn:aws:s3:::a/*"]), min_size=1),
        }
    ),
    min_size=1,
    max_size=4,
)


@given(STATEMENTS, st.randoms(use_true_random=False))
def test_order_does_not_matter(statements: list[dict[str, Any]], random: Any) -> None:
    policy: dict[str, Any] = {"Version": "2012-10-17", "Statement": statements}
    check_policy(policy)
    mixed = copy.deepcopy(policy)
    random.shuffle(mixed["Statement"])
    for statement in mixed["Statement"]:
        random.shuffle(statement["Action"])
        random.shuffle(statement["Resource"])

    assert normalise(mixed) == normalise(policy) == normalise(normalise(policy))
