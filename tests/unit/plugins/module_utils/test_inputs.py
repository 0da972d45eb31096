# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What no type can express."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.inputs import (
    check_groups,
    check_mlflow_version,
    check_values,
    shared_options,
    unknown_variables,
)

# Of an authority that signed nothing.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIDEzCCAfugAwIBAgIUOGDBJ3xckgcnWHGmkNX0hE+S3z0wDQYJKoZIhvcNAQEL
BQAwETEPMA0GA1UEAwwGbGFiIENBMB4XDTI2MTEyMTEwNDMyOFoXDTI2MTIyMTEw
NDMyOFowETEPMA0GA1UEAwwGbGFiIENBMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
MIIBCgKCAQEA38rIzMm2lk59g3cmdh+bgqyjSxVYjMXZ6QbzzSgIG9FlEArJ9RTF
ObrjfXIyZfPD8EmwMPqusjrhca34N8C4i1HnHpFVkUyZ9J3kuOpw+RzRprQKyygr
eQCaStcMoMyURNkHJXuPBh4hz1SQY/3yzVHUVsYoJb7GiiAypipHT2K/gvxbQWsI
WXipkd11h2Cmu/8YbCLZj4MRoeOtXmDdB/6CPL4FopDTD9nozBIRMRsonb35oZ1w
2BIHyr2DFGctCFDngTo9aFvHi/0n4VFneSLdtYeyx8HdWhy+/FQeQAo6KFzYYz4+
cr+SWPsP0OJULdbgAMzHtH4tfQgaQdEzZQIDAQABo2MwYTAdBgNVHQ4EFgQUyloC
o7NegMtiF5wPQzM41aUarbYwHwYDVR0jBBgwFoAUyloCo7NegMtiF5wPQzM41aUa
rbYwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwDQYJKoZIhvcNAQEL
BQADggEBALVSunwlRYSGuLR1jughfsohoMKmRNOGwwNfIp4bAwJ9ZRQJrQF+YU+d
Ut+MKk8SkK8aXPbmjmRJ2eGwVg1ox0nAsAzRYK7RiNOxTeJGTHa/Oer9NCSv40WO
Ti4Dc0UY49TERw/sOeZAONOJ9BsdCJGN/xYYhRDSzLRPh12Z1uesFSZFeeU76Uoz
UKluHf9gkzRzFQOmaa/ofRXnQHParFnDUuywXrBK/KTWG5+u+dljhwLcnQPeQ5Ij
jbxQ29Dp5lA6u3PjhhiFFMAA5N/wdDFDwcJ2XdL0cnnFzo81PVcfBsFZTJOxyVZH
dO0Yf2zDwNkUA8cWywlJ72e4+Q6D7pg=
-----END CERTIFICATE-----
"""


def external(**more: str) -> dict[str, str]:
    store = {"endpoint_url": "https://s3.example.org", "bucket": "mlflow", "access_key": "key", "secret_key": "hush"}
    return {**store, **more}


def host(*names: str, port: Any = 15000, users: Any = ({"name": "x"},), **more: Any) -> dict[str, Any]:
    return {"host_names": list(names), "port": port, "users": list(users), **more}


def test_good_values_pass() -> None:
    assert (
        check_values(
            {
                "nginx_virtual_hosts": [
                    host("a", "b", users=[{"name": "x", "password": "$ \"'\\#%@:/? ä"}, {"name": "y"}]),
                    host("a", port=80, users=[{"name": "x"}]),
                    None,
                ],
                "nginx_health_port": 15080,
                "nginx_password_rounds": 12,
                "rustfs_root_access_key": "operator",
                "rustfs_root_secret_key": "12345678",
                "bucket_access_key": "mlflow-artifacts",
                "mlflow_version": "3.17.2",
                "postgres_shared_buffers": "256MB",
                "postgres_max_wal_size": "1GB",
                "postgres_user": "mlflow",
                "mlflow_artifact_prefix": "",
                "mlflow_s3": external(ca_certificate=CERTIFICATE, network="old_default"),
            }
        )
        == []
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"nginx_virtual_hosts": [host("a"), host("A", port="15000")]},
            "nginx_virtual_hosts[1]: a with port 15000 stands twice, remove one of them.",
        ),
        ({"nginx_virtual_hosts": [host("http://a")]}, "nginx_virtual_hosts[0]: 'http://a' in host_names"),
        ({"nginx_virtual_hosts": [host("a", port=0)]}, "nginx_virtual_hosts[0]: port of a virtual host is 0"),
        (
            {"nginx_virtual_hosts": [host("a", users=[{"name": "x"}, {"name": "x"}])]},
            "nginx_virtual_hosts[0].users: user 'x' stands twice, remove one of them.",
        ),
        (
            {"nginx_virtual_hosts": [host("a", users=[{"name": "x:y", "password": "hush"}])]},
            "nginx_virtual_hosts[0].users: User name 'x:y' holds a colon",
        ),
        (
            {"nginx_virtual_hosts": [host("a", users=[{"name": "x", "password": "hush" * 20}])]},
            "nginx_virtual_hosts[0].users: The password of user 'x' is 80 bytes long",
        ),
        (
            {"nginx_virtual_hosts": [host("a", users=[{"name": "x", "password": ""}])]},
            "nginx_virtual_hosts[0].users: The password of user 'x' is empty",
        ),
        (
            {"nginx_virtual_hosts": [host("a", users=[{"name": "jörg"}])]},
            "nginx_virtual_hosts[0].users: a password is generated only for names of letters",
        ),
        (
            {"nginx_virtual_hosts": [host("a", port=80)], "nginx_health_port": "80"},
            "nginx_health_port: found 80, which a virtual host listens on, write another port.",
        ),
        (
            {"nginx_password_hash": "sha512_crypt", "nginx_password_rounds": 12},
            "nginx_password_rounds: found 12, write a number from 1000 to 10000000 for sha512_crypt.",
        ),
        ({"nginx_password_rounds": "20"}, "nginx_password_rounds: found 20, write a number from 4 to 17 for bcrypt."),
        ({"rustfs_root_access_key": "rustfsadmin"}, "rustfs_root_access_key: is RustFS's default"),
        (
            {"mlflow_platform_database": "sqlite", "mlflow_workers": 2},
            "mlflow_workers: found 2, but SQLite takes one writer at a time,",
        ),
        (
            {"mlflow_platform_database": "sqlite", "mlflow_replicas": 2},
            "mlflow_replicas: found 2, but SQLite takes one writer at a time,",
        ),
        ({"mlflow_replicas": 0}, "mlflow_replicas: found 0, write 1 or more."),
        (
            {"mlflow_database": {"engine": "mysql", "host": "localhost", "name": "mlflow"}},
            "mlflow_database.host: found 'localhost', which is MLflow's own container when it asks,",
        ),
        ({"rustfs_root_secret_key": "rustfsadmin"}, "rustfs_root_secret_key: is RustFS's default"),
        ({"bucket_secret_key": "hush"}, "bucket_secret_key: is too short, write at least 8 characters."),
        ({"bucket_access_key": "ab"}, "bucket_access_key: is too short, write at least 3 characters."),
        ({"bucket_access_key": "a=b,c"}, "bucket_access_key: holds a space or one of"),
        (
            {"bucket_access_key": "operator", "rustfs_root_access_key": "operator"},
            "bucket_access_key: is the same as rustfs_root_access_key, write another.",
        ),
        ({"postgres_work_mem": "8M"}, "postgres_work_mem: found '8M', write a number with its unit, such as 256MB"),
        ({"postgres_user": "postgres"}, "postgres_user: found 'postgres', which is the superuser, write another name."),
        ({"postgres_user": "pg_x"}, "postgres_user: found 'pg_x', but PostgreSQL keeps names with pg_ for itself"),
        ({"mlflow_artifact_prefix": "/artifacts"}, "mlflow_artifact_prefix: found '/artifacts', write names with one"),
        ({"mlflow_artifact_prefix": "a//b"}, "mlflow_artifact_prefix: found 'a//b', write names with one slash"),
        ({"mlflow_s3": external(endpoint_url="minio:9000")}, "mlflow_s3.endpoint_url: found 'minio:9000', write an"),
        ({"mlflow_s3": external(secret_key="")}, "mlflow_s3.secret_key: is empty or has a line break"),
        (
            {"mlflow_s3": external(endpoint_url="http://localhost:9000")},
            "mlflow_s3.endpoint_url: found 'http://localhost:9000', which is MLflow's own container",
        ),
        ({"mlflow_s3": external(endpoint_url="http://127.0.0.1:9000")}, "mlflow_s3.endpoint_url: found 'http://127.0"),
        ({"mlflow_s3": external(bucket="s3://mlflow")}, "mlflow_s3.bucket: found 's3://mlflow', write the name alone"),
        ({"mlflow_s3": external(network="a b")}, "mlflow_s3.network: found 'a b', write a name as `docker network ls`"),
        ({"mlflow_s3": external(ca_certificate="/etc/ca.pem")}, "mlflow_s3.ca_certificate: is no certificate in PEM"),
        (
            {"mlflow_s3": external(ca_certificate=CERTIFICATE + "-----BEGIN PRIVATE KEY-----hush")},
            "mlflow_s3.ca_certificate: holds a private key, which is for the store alone",
        ),
        (
            {"mlflow_s3": external(endpoint_url="http://minio:9000", ca_certificate=CERTIFICATE)},
            "mlflow_s3.ca_certificate: is of no use with an address that begins with http://",
        ),
        ({"mlflow_version": "2.22.0"}, "mlflow_version: found '2.22.0', which has published holes"),
    ],
)
def test_each_problem_gets_one_sentence(values: dict[str, Any], sentence: str) -> None:
    problems = check_values(values)

    assert len(problems) == 1
    assert problems[0].startswith(sentence)
    assert "hush" not in problems[0]


def test_long_password_is_fine_for_another_hash() -> None:
    users = [{"name": "x", "password": "p" * 80}]

    assert check_values({"nginx_virtual_hosts": [host("a", users=users)], "nginx_password_hash": "apr_md5_crypt"}) == []


@pytest.mark.parametrize(
    ("version", "allowed", "good"),
    [
        ("3.17", False, True),
        ("3.17.0rc1", False, True),
        ("4.0", False, True),
        ("3.16.9", False, False),
        ("3.16.9", True, True),
        ("3.9", False, False),
        ("latest", True, False),
        ("3", False, False),
    ],
)
def test_versions_of_mlflow(version: str, allowed: bool, good: bool) -> None:
    assert (check_mlflow_version(version, allowed) == []) is good


def test_groups() -> None:
    wanted = {"mlflow_proxy": "the server of the proxy", "mlflow_database": "the server of the database", "all": "x"}

    assert check_groups(wanted, {"mlflow_proxy": [], "all": ["server"]}) == [
        "Group mlflow_proxy: is empty in the inventory, put the server of the proxy into it.",
        "Group mlflow_database: is missing in the inventory, add it with the server of the database.",
    ]


def test_unknown_variables() -> None:
    names = ["nginx_virtualhosts", "nginx_image", "my_own", "mysql_x_of_my_own", "ansible_host", "__nginx_r_x"]

    assert unknown_variables(names, ["nginx_", "mysql_"], ["nginx_virtual_hosts", "nginx_image"]) == [
        "mysql_x_of_my_own: is not an option, remove it, or give it a name that does not begin like a role's.",
        "nginx_virtualhosts: is not an option, write nginx_virtual_hosts.",
    ]


def test_shared_variables_are_found_in_defaults() -> None:
    database = {"type": "str", "choices": ["mysql"], "default": "{{ mlflow_platform_database | default('mysql') }}"}
    specs: list[dict[str, dict[str, Any]]] = [
        {"mysql_dir": {"type": "path", "default": "{{ mlflow_platform_dir | default('/opt/mlflow') }}"}},
        {"x_database": {"type": "str", "default": database["default"]}},
        {"preflight_database": database, "other": {"default": "{{ other_thing }}"}, "number": {"default": 3}},
    ]

    assert shared_options(specs) == {
        "mlflow_platform_dir": {"type": "path"},
        "mlflow_platform_database": {"type": "str", "choices": ["mysql"]},
    }
