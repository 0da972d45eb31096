"""Each rendered template is read by the program it is meant for, or by a parser of its format."""

from __future__ import annotations

import configparser
import html.parser
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from packaging.requirements import Requirement

from tools import debian_packages

if TYPE_CHECKING:
    from .conftest import Rendered

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = sorted((ROOT / "roles").glob("*/templates/**/*.j2"))
INSTRUCTION = re.compile(
    r"^(FROM|ARG|RUN|COPY|ENV|USER|EXPOSE|WORKDIR|ENTRYPOINT|CMD|HEALTHCHECK|LABEL|VOLUME|SHELL)\b"
)


def read_yaml(text: str) -> None:
    assert isinstance(yaml.safe_load(text), dict)


def read_my_cnf(text: str) -> None:
    parser = configparser.ConfigParser(allow_no_value=True, interpolation=None, strict=True)
    parser.read_string(text)
    assert parser.sections() == ["mysqld"]
    assert parser["mysqld"]["character-set-server"] == "utf8mb4"
    assert all("\n" not in value for value in parser["mysqld"].values())


def read_basic_auth_ini(text: str) -> None:
    # As MLflow reads it, which takes %% for %.
    parser = configparser.ConfigParser()
    parser.read_string(text)
    assert parser.sections() == ["mlflow"]
    assert parser["mlflow"]["database_uri"].startswith(("mysql+pymysql://", "postgresql+psycopg://", "sqlite:////"))
    assert "%%" not in parser["mlflow"]["database_uri"]


def read_postgresql_conf(text: str) -> None:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    # A quote inside is doubled, a backslash too: nothing leaves its line.
    assert all(re.fullmatch(r"[a-z_.]+ = '(?:[^'\\]|''|\\\\)*'", line) for line in lines), lines
    names = [line.split(" = ")[0] for line in lines]
    assert len(set(names)) == len(names)
    assert {"hba_file", "listen_addresses", "shared_buffers"} <= set(names)


def read_dockerfile(text: str) -> None:
    instructions = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line and not line.startswith("#")]
    words = [match[1] if (match := INSTRUCTION.match(line)) else line for line in instructions]
    assert words[0] == "FROM"
    assert words.count("FROM") == 2 or "pip" not in text, "compilers stay in the first stage"
    assert all(INSTRUCTION.match(line) for line in instructions), instructions
    assert "USER" in words[len(words) - words[::-1].index("FROM") :], "the last stage changes its user"


def read_requirements(text: str) -> None:
    lines = text.splitlines()
    options = [line for line in lines if line.startswith("--")]
    assert all(re.fullmatch(r"--(extra-)?index-url https?://\S+", line) for line in options), options
    requirements = [Requirement(line) for line in lines if line not in options]
    assert "mlflow" in [requirement.name for requirement in requirements]
    assert all(re.match(r"==", str(requirement.specifier)) for requirement in requirements), "all are pinned"


def read_deb822(text: str) -> None:
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert fields.keys() >= {"Types", "URIs", "Suites", "Components", "Signed-By"}
    assert all(fields.values())


def read_nginx(text: str) -> None:
    """Its own test runs nginx itself, which needs more than the text."""
    assert text.count("{") == text.count("}")


def read_nftables(text: str) -> None:
    assert text.count("{") == text.count("}")
    opened, closed = re.findall(r"tcp dport (\{.*?\}) ip saddr", text), re.findall(r"tcp dport (\{.*?\}) drop", text)
    assert set(opened) <= set(closed), "a port that some may reach is closed to all others"


def read_page(text: str) -> None:
    html.parser.HTMLParser().feed(text)
    assert "<script" not in text.lower()
    assert text.count("<p>") == text.count("</p>") == 2


def read_error_of_mlflow(text: str) -> None:
    assert json.loads(text).keys() == {"error_code", "message"}


def read_shell(text: str) -> None:
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def read_text(text: str) -> None:
    """What people read has no markup; what matters is that every variable was there."""
    assert text.strip()
    assert "{{" not in text


def read_sql(text: str) -> None:
    """Statements, one a line; a name or a password that is missing would leave its quotes empty."""
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    assert all(line.endswith((";", "\\gexec")) or line.startswith("SELECT ") for line in lines), lines
    assert "''" not in text


def read_promtool(*words: str) -> Callable[[str], None]:
    """Let the tool that comes with Prometheus judge."""

    def read(text: str) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(text)
            file.flush()
            command = [*debian_packages.promtool(), "check", *words, file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    return read


def read_unit(text: str) -> None:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    assert "Description" in parser["Unit"]
    assert {"Service", "Timer"} & set(parser.sections())


READERS: dict[str, Callable[[str], None]] = {
    "*.yml.j2": read_yaml,
    "my.cnf.j2": read_my_cnf,
    "basic_auth.ini.j2": read_basic_auth_ini,
    "postgresql.conf.j2": read_postgresql_conf,
    "Dockerfile.j2": read_dockerfile,
    "requirements.txt.j2": read_requirements,
    "*.sources.j2": read_deb822,
    "*.sh.j2": read_shell,
    "*.service.j2": read_unit,
    "*.timer.j2": read_unit,
    "next_steps.txt.j2": read_text,
    "plan.txt.j2": read_text,
    "restored.txt.j2": read_text,
    "rotated.txt.j2": read_text,
    "rows.txt.j2": read_text,
    "taken.txt.j2": read_text,
    "upgraded.txt.j2": read_text,
    "nginx.conf.j2": read_nginx,
    "*.sql.j2": read_sql,
    "*.config.j2": read_promtool("config", "--syntax-only"),
    "*.rules.j2": read_promtool("rules", "--lint-fatal"),
    "*.html.j2": read_page,
    "*.nft.j2": read_nftables,
    "onprem-read-only.json.j2": read_error_of_mlflow,
}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_template_can_be_read(template: Path, rendered: Rendered) -> None:
    readers = [reader for pattern, reader in READERS.items() if template.match(pattern)]
    assert len(readers) == 1, f"add a reader for {template.name}"
    role = template.relative_to(ROOT / "roles").parts[0]
    readers[0](rendered.text(role, template.name.removesuffix(".j2")))


def merge(rendered: Rendered, tmp_path: Path) -> dict[str, Any]:
    """Lay the fragments out as on a server and let Compose merge them."""
    (tmp_path / "services").mkdir()
    fragments = []
    for path in sorted(rendered.folder.glob("*/*.yml")):
        name = f"{path.parent.name}.yml" if path.name == "service.yml" else path.name
        shutil.copy(path, tmp_path / "services" / name)
        if not (name == "rustfs.yml" and rendered.variables.get("mlflow_platform_artifact_store") in ("local", "s3")):
            fragments.append(f"services/{name}")
    compose = tmp_path / "compose.yml"
    compose.write_text(json.dumps({"name": "mlflow", "include": fragments}), encoding="utf-8")
    done = subprocess.run(
        [*debian_packages.compose(), "--file", str(compose), "--profile", "*", "config", "--format", "json"],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "variable is not set" not in done.stderr
    merged: dict[str, Any] = json.loads(done.stdout)
    return merged


@pytest.fixture(scope="session")
def project(rendered: Rendered, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return merge(rendered, tmp_path_factory.mktemp("project"))


def test_compose_accepts_the_project(project: dict[str, Any]) -> None:
    assert {"mysql", "mlflow", "nginx"} <= project["services"].keys()


def test_only_the_proxy_publishes_ports(project: dict[str, Any], rendered: Rendered) -> None:
    publishing = {
        name: [f"{port['host_ip']}:{port['published']}" for port in service["ports"]]
        for name, service in project["services"].items()
        if service.get("ports") and name != "nginx"
    }
    assert publishing == rendered.variables.get("peers_ports", {})
    ports = {(port.get("host_ip", ""), port["published"]) for port in project["services"]["nginx"]["ports"]}
    hosts = rendered.variables["nginx_virtual_hosts"]
    open_ports = {("", str(host[key])) for host in hosts for key in ("port", "redirect_from") if key in host}
    with_a_proxy_in_front = {(address, port) for address, port in rendered.variables.get("published", [])}
    assert ports == (with_a_proxy_in_front or open_ports | {("127.0.0.1", "15080")})


def test_back_ends_are_on_the_internal_network_only(project: dict[str, Any], rendered: Rendered) -> None:
    assert project["networks"]["back"]["internal"] is True
    also_on = {
        name: set(rendered.variables.get(re.sub("-db|-[0-9]+$", "", name).replace("-", "_") + "_also_on", []))
        for name in project["services"]
    }
    more = {**also_on, "nginx": {"front"} | also_on["nginx"]}
    for name, service in project["services"].items():
        # lego gets out and has nothing to do with the others.
        wanted = {"front"} if name == "acme" else {"back"} | more.get(name, set())
        assert set(service["networks"]) == wanted, name


def test_mlflow_gets_out_only_to_what_is_elsewhere(project: dict[str, Any], rendered: Rendered) -> None:
    others = {
        name: network for name, network in project["networks"].items() if name not in ("front", "back", "default")
    }
    known = [rendered.variables.get(f"{name}_also_on", []) for name in project["services"]]
    assert set(others) == {name for names in known for name in names}
    assert all(not network.get("internal") for network in others.values())


def test_place_of_artifacts(rendered_cases: dict[str, Rendered]) -> None:
    wanted = {
        "defaults": ("s3://mlflow/artifacts", "http://rustfs:9000", None),
        "local_store": ("/artifacts", None, None),
        "external_s3": ("s3://lab-artifacts", "https://s3.example.org", "/etc/mlflow-platform/s3_ca.pem"),
        "external_s3_joined": ("s3://mlflow/old/runs", "http://minio:9000", None),
    }
    for case, (destination, endpoint, certificate) in wanted.items():
        service = yaml.safe_load(rendered_cases[case].text("mlflow", "service.yml"))["services"]["mlflow"]
        environment = service["environment"]
        assert environment["MLFLOW_ARTIFACTS_DESTINATION"] == destination, case
        assert environment.get("MLFLOW_S3_ENDPOINT_URL") == endpoint, case
        assert environment.get("AWS_CA_BUNDLE") == certificate, case
        mounted = "../config/mlflow:/etc/mlflow-platform:ro" in service["volumes"]
        assert mounted is (certificate is not None), case


def test_mlflow_asks_for_a_password_only_where_it_shall(rendered_cases: dict[str, Rendered]) -> None:
    fragments = {
        case: yaml.safe_load(rendered_cases[case].text("mlflow", "service.yml")) for case in ("defaults", "own_login")
    }
    plain, asking = (fragment["services"]["mlflow"] for fragment in fragments.values())
    assert "command" not in plain
    assert asking["command"] == ["mlflow", "server", "--app-name", "basic-auth"]
    more = set(asking["environment"]) - set(plain["environment"])
    assert more == {
        "MLFLOW_AUTH_CONFIG_PATH",
        "MLFLOW_AUTH_ADMIN_PASSWORD_FILE",
        "MLFLOW_FLASK_SERVER_SECRET_KEY_FILE",
    }
    assert {f"/run/secrets/{name}" for name in asking["secrets"]} >= {asking["environment"][name] for name in more}
    labels = [service["labels"]["onprem.mlflow.schema"] for service in (plain, asking)]
    assert labels[0] != labels[1], "the tables of users are made before MLflow starts"


def test_a_proxy_in_front_is_believed_and_found_by_it(rendered_cases: dict[str, Rendered]) -> None:
    rendered = rendered_cases["behind_traefik"]
    text = rendered.text("nginx", "nginx.conf")
    assert text.count("listen 15081;") == 2
    assert "listen 15081 default_server;" in text
    assert "real_ip_header X-Forwarded-For;" in text
    assert "X-Forwarded-Proto $scheme;" not in text
    labels = yaml.safe_load(rendered.text("nginx", "service.yml"))["services"]["nginx"]["labels"]
    assert labels["traefik.http.routers.mlflow-1.entrypoints"] == "websecure"
    assert unescape(labels["traefik.http.routers.mlflow-1.rule"]).endswith(r"HostRegexp(`^[^.]+\.lab\.example\.org$`)")
    assert "traefik.http.routers.mlflow-2.tls" not in labels
    origins = yaml.safe_load(rendered.text("mlflow", "service.yml"))["services"]["mlflow"]["environment"]
    assert origins["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].startswith("https://mlflow.example.org,")
    assert "real_ip" not in rendered_cases["defaults"].text("nginx", "nginx.conf")


def test_image_from_an_index_and_with_authorities_of_ones_own(rendered_cases: dict[str, Rendered]) -> None:
    plain, own = rendered_cases["defaults"], rendered_cases["local_store"]
    assert own.text("mlflow", "requirements.txt").splitlines()[:2] == [
        "--index-url https://pypi.example.org/simple",
        "--extra-index-url http://wheels.example.org:8080/simple",
    ]
    assert "index-url" not in plain.text("mlflow", "requirements.txt")
    for words in ("PIP_CERT=", "REQUESTS_CA_BUNDLE=", "SSL_CERT_FILE=", "extra_ca.pem"):
        assert words in own.text("mlflow", "Dockerfile")
        assert words not in plain.text("mlflow", "Dockerfile")


def test_disks_of_rustfs(rendered_cases: dict[str, Rendered]) -> None:
    four = [f"/srv/disk{number}/rustfs:/disks/rustfs{number}" for number in range(4)]
    four.append("../config/rustfs_start.sh:/etc/onprem-rustfs/start.sh:ro")
    wanted = {
        "defaults": (["../data/rustfs:/data"], "/data", None, "false"),
        "one_disk": (["/srv/disk0/rustfs:/data"], "/data", None, "false"),
        "several_disks": (four, "/data/rustfs{0...3}", "EC:1", "true"),
    }
    for case, (mounts, volumes, parity, console) in wanted.items():
        service = yaml.safe_load(rendered_cases[case].text("rustfs", "service.yml"))["services"]["rustfs"]
        environment = service["environment"]
        assert service["volumes"] == mounts, case
        assert environment["RUSTFS_VOLUMES"] == volumes, case
        assert environment.get("RUSTFS_STORAGE_CLASS_STANDARD") == parity, case
        assert environment["RUSTFS_CONSOLE_ENABLE"] == console, case
        # With a single folder there is nothing to bypass.
        assert "RUSTFS_UNSAFE_BYPASS_DISK_CHECK" not in environment, case


def test_one_of_several_servers_of_rustfs(rendered_cases: dict[str, Rendered], tmp_path: Path) -> None:
    rendered = rendered_cases["cluster"]
    service = yaml.safe_load(rendered.text("rustfs", "service.yml"))["services"]["rustfs"]
    environment = service["environment"]
    assert environment["RUSTFS_VOLUMES"] == (
        "https://rustfs-{1...4}:9000/data/rustfs0 https://rustfs-{1...4}:9000/data/rustfs1"
    )
    assert service["volumes"][:2] == ["/srv/disk0/rustfs:/disks/rustfs0", "/srv/disk1/rustfs:/disks/rustfs1"]
    assert "../config/peers/ca.pem:/tls/ca.crt:ro" in service["volumes"]
    assert service["extra_hosts"] == [
        "rustfs-1:10.0.0.2",
        "rustfs-2:127.0.0.1",
        "rustfs-3:10.0.0.7",
        "rustfs-4:10.0.0.8",
    ]
    assert "RUSTFS_RPC_SECRET" not in environment
    assert "rustfs_rpc_secret" in service["secrets"]
    assert "RUSTFS_RPC_SECRET=$(cat /run/secrets/rustfs_rpc_secret)" in rendered.text("rustfs", "start.sh")
    assert "RPC" not in rendered_cases["several_disks"].text("rustfs", "start.sh")
    # Compose keeps every address of the one name.
    names = merge(rendered, tmp_path)["services"]["mlflow"]["extra_hosts"]
    assert names == [f"rustfs={address}" for address in rendered.variables["mlflow_bucket"]["addresses"]]


def test_clients_go_to_the_object_store_only_where_told(rendered_cases: dict[str, Rendered]) -> None:
    direct, usual = rendered_cases["direct_transfer"], rendered_cases["front_door"]
    environment = yaml.safe_load(direct.text("mlflow", "service.yml"))["services"]["mlflow"]["environment"]
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "https://s3.lab:15443"
    assert environment["AWS_CA_BUNDLE"] == "/etc/mlflow-platform/s3_ca.pem"
    networks = yaml.safe_load(direct.text("nginx", "service.yml"))["services"]["nginx"]["networks"]
    assert networks == {"front": {}, "back": {"aliases": ["s3.lab", "objects.lab"]}}
    assert "multipart_uploads_enabled" not in direct.text("nginx", "nginx.conf")

    environment = yaml.safe_load(usual.text("mlflow", "service.yml"))["services"]["mlflow"]["environment"]
    assert environment["MLFLOW_S3_ENDPOINT_URL"] == "http://rustfs:9000"
    assert yaml.safe_load(usual.text("nginx", "service.yml"))["services"]["nginx"]["networks"] == ["front", "back"]
    assert "multipart_uploads_enabled" in usual.text("nginx", "nginx.conf")


def test_services_are_confined(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not any("docker.sock" in volume["source"] for volume in service.get("volumes", [])), name


def test_secrets_are_files(project: dict[str, Any], rendered: Rendered) -> None:
    """Nothing that the inventory calls a password is in what compose knows."""
    databases = (rendered.variables["mlflow_backend_store"], rendered.variables.get("mlflow_database", {}))
    if rendered.case == "hostile":
        # Here the password is also the value of settings, to see that it survives.
        return
    assert not [item for item in databases if item and f'"{item["password"]}"' in json.dumps(project)]


def test_place_of_runs(rendered_cases: dict[str, Rendered]) -> None:
    wanted = {
        "defaults": ("4", False, False),
        "external_database": ("4", False, True),
        "external_database_joined": ("4", False, False),
        "sqlite": ("1", True, False),
    }
    for case, (workers, file, certificate) in wanted.items():
        service = yaml.safe_load(rendered_cases[case].text("mlflow", "service.yml"))["services"]["mlflow"]
        assert service["environment"]["MLFLOW_WORKERS"] == workers, case
        assert ("../data/sqlite:/sqlite" in service["volumes"]) is file, case
        assert ("../config/mlflow:/etc/mlflow-platform:ro" in service["volumes"]) is certificate, case


def test_limits_are_of_the_services(rendered_cases: dict[str, Rendered]) -> None:
    limits = {"mysql": "2g", "postgres": "1g", "rustfs": "1g", "mlflow": "3g", "nginx": "256m"}
    for name, memory in limits.items():
        service = yaml.safe_load(rendered_cases["limits"].text(name, "service.yml"))["services"][name]
        assert service["mem_limit"] == memory, name
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "5m", "max-file": "4"}}, name
        unlimited = yaml.safe_load(rendered_cases["defaults"].text(name, "service.yml"))["services"][name]
        assert not {"mem_limit", "cpus", "logging"} & unlimited.keys(), name


def test_an_operators_environment_wins(rendered_cases: dict[str, Rendered]) -> None:
    fragment = yaml.safe_load(rendered_cases["limits"].text("mysql", "service.yml"))["services"]["mysql"]
    assert fragment["environment"]["TZ"] == "Europe/Vienna"
    assert fragment["environment"]["MYSQL_SOMETHING"] == "a$$b"
    assert fragment["cpus"] == 1.5


def unescape(value: str) -> str:
    """Compose's `config` doubles each dollar sign again."""
    return value.replace("$$", "$")


# The kernel labels these file systems by itself, and lets nobody label them anew.
OF_THE_KERNEL = ("/proc", "/sys")


def test_mounts_are_labelled_where_selinux_is_on(rendered: Rendered) -> None:
    labelled = rendered.case == "selinux"
    for path in rendered.folder.glob("*/*.yml"):
        fragment = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, service in fragment.get("services", {}).items():
            for volume in service.get("volumes", []):
                source, _target, *options = volume.split(":")
                if source.startswith(("/", ".")) and source not in OF_THE_KERNEL:
                    assert ("z" in ",".join(options).split(",")) is labelled, f"{name}: {volume}"
            # Compose mounts a secret without a label, so that no container could read it.
            assert not (labelled and {"secrets"} & (service.keys() | fragment.keys())), name


def test_a_label_is_the_only_difference_of_a_mount(rendered_cases: dict[str, Rendered]) -> None:
    plain, labelled = (
        yaml.safe_load(rendered_cases[case].text("mysql", "service.yml"))["services"]["mysql"]
        for case in ("defaults", "selinux")
    )
    assert plain["secrets"] == ["mysql_password", "mysql_root_password"]
    assert labelled["volumes"] == [
        "../config/mysql:/etc/mysql/conf.d:ro,z",
        "../data/mysql:/var/lib/mysql:z",
        "../secrets/mysql_password:/run/secrets/mysql_password:ro,z",
        "../secrets/mysql_root_password:/run/secrets/mysql_root_password:ro,z",
    ]
    assert {key for key in plain if plain[key] != labelled.get(key)} == {"secrets", "volumes"}


def test_compose_hands_labels_to_the_engine(rendered: Rendered, project: dict[str, Any]) -> None:
    """Without `create_host_path` it asks the engine in a way that has no labels."""
    if rendered.case == "selinux":
        volumes = [volume for service in project["services"].values() for volume in service.get("volumes", [])]
        binds = [volume["bind"] for volume in volumes if volume["source"] not in OF_THE_KERNEL]
        assert all(bind == {"create_host_path": True, "selinux": "z"} for bind in binds), binds


def test_any_character_survives(rendered_cases: dict[str, Rendered]) -> None:
    rendered = rendered_cases["hostile"]
    hostile = rendered.variables["hostile"]
    for role, setting in (("mlflow", "MLFLOW_SOMETHING"), ("rustfs", "RUSTFS_SOMETHING")):
        fragment = yaml.safe_load(rendered.text(role, "service.yml"))
        assert unescape(fragment["services"][role]["environment"][setting]) == hostile, role


def test_a_standby_has_all_requests_where_there_is_one(rendered_cases: dict[str, Rendered]) -> None:
    text = rendered_cases["local_store"].text("nginx", "nginx.conf")
    assert "server 127.0.0.1:5001;" in text
    assert "server mlflow:5000 resolve;" in text
    assert "proxy_pass http://mlflow" not in text
    assert "standby" not in rendered_cases["defaults"].text("nginx", "nginx.conf")


def test_what_is_said_of_the_freeze_survives(rendered_cases: dict[str, Rendered]) -> None:
    rendered = rendered_cases["hostile"]
    hostile = rendered.variables["hostile"]
    assert hostile in json.loads(rendered.text("nginx", "onprem-read-only.json"))["message"]
    assert hostile in html.unescape(rendered.text("nginx", "onprem-read-only.html"))


def on_this_machine(text: str, folder: Path, root: Path) -> str:
    """Let a configuration that is meant for a container look for its files here."""
    places = {
        "/etc/nginx/platform/": folder,
        "/etc/nginx/keys/": folder,
        "/etc/nginx/": root / "etc" / "nginx",
        "/tmp/": folder,
    }
    pattern = re.compile(r"(?<=[ :])(" + "|".join(places) + ")")
    text = pattern.sub(lambda match: f"{places[match[1]]}/", text)
    return text.replace("/dev/stdout", f"{folder}/access.log")


def write_certificates(paths: set[str]) -> None:
    """Put one certificate with its key wherever nginx looks for either."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    now = datetime.now(UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += certificate.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(pem)


def test_nginx_accepts_the_configuration(rendered: Rendered, tmp_path: Path) -> None:
    program = debian_packages.nginx()
    root = Path(program[-1]).parents[2]
    configuration = tmp_path / "nginx.conf"
    text = on_this_machine(rendered.text("nginx", "nginx.conf"), tmp_path, root)
    configuration.write_text(text, encoding="utf-8")
    certificates = set(re.findall(r"ssl_certificate(?:_key)? (\S+);", text))
    write_certificates(certificates)
    assert bool(certificates) is (rendered.case in ("acme", "front_door", "direct_transfer", "selinux"))
    write_certificates(set(re.findall(r"proxy_ssl_trusted_certificate (\S+);", text)))
    done = subprocess.run(
        [*program, "-t", "-p", str(tmp_path), "-c", str(configuration), "-e", "stderr"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr, done.stderr


def test_who_asks_for_a_password(rendered_cases: dict[str, Rendered]) -> None:
    asking = rendered_cases["virtual_hosts"].text("nginx", "nginx.conf")
    assert asking.count("auth_request /onprem-login;") == 3
    assert "rate=60r/m" in asking
    leaving_it_to_mlflow = rendered_cases["front_door"].text("nginx", "nginx.conf")
    assert "auth_request" not in leaving_it_to_mlflow
    assert 'proxy_set_header Authorization ""' not in leaving_it_to_mlflow
    assert "limit_req" not in leaving_it_to_mlflow


def test_challenges_are_answered_without_tls_and_without_a_password(rendered_cases: dict[str, Rendered]) -> None:
    rendered = rendered_cases["acme"]
    parts = rendered.text("nginx", "nginx.conf").split("\n    server {")
    answering = [part for part in parts if "/.well-known/acme-challenge/" in part]
    # The server for no name in particular, the one that redirects, and the one without TLS.
    assert len(answering) == 3
    assert all("listen 80" in part and "root /var/lib/acme-challenges;" in part for part in answering)
    assert "return 308 https://$host$request_uri;" in "".join(answering)
    assert "acme-challenges" in rendered.text("nginx", "service.yml")
    assert "acme" not in rendered_cases["defaults"].text("nginx", "nginx.conf")


def test_lego_asks_for_each_certificate(rendered_cases: dict[str, Rendered]) -> None:
    rendered = rendered_cases["acme"]
    script = rendered.text("acme", "obtain.sh")
    asked = [line.split() for line in script.splitlines() if line.startswith("certificate ")]
    wanted = [
        "certificate mlflow.example.org --domains mlflow.example.org --domains 192.0.2.7 --http"
        " --http.webroot /challenges",
        "certificate _.lab.example.org --domains '*.lab.example.org' --dns rfc2136 --dns.resolvers 192.0.2.53:53"
        " --dns.propagation-wait 5s",
    ]
    assert asked == [line.split() for line in wanted]
    assert "renew --force-cert-domains --no-random-sleep --days 20 --profile shortlived" in script
    everything = script + rendered.text("acme", "service.yml") + rendered.text("acme", "renew.sh")
    assert "$ecret" not in everything
    assert "aHVzaA" not in everything
    environment = yaml.safe_load(rendered.text("acme", "service.yml"))["services"]["acme"]["environment"]
    assert environment["RFC2136_TSIG_SECRET_FILE"] == "/run/acme/RFC2136_TSIG_SECRET"
    assert environment["LEGO_CA_CERTIFICATES"] == "/etc/acme/ca.pem"
    assert environment["LEGO_EAB_KID"] == "me"


def test_lines_of_the_log_are_json(rendered_cases: dict[str, Rendered]) -> None:
    text = rendered_cases["front_door"].text("nginx", "nginx.conf")
    line = re.search(r"log_format json escape=json '(.*)';", text)
    assert line
    assert json.loads(re.sub(r"(?<!\")\$\w+", "0", line[1])).keys() >= {"time", "address", "user", "status", "seconds"}


def test_what_fits_a_signature_is_for_the_store_alone(rendered_cases: dict[str, Rendered]) -> None:
    text = rendered_cases["front_door"].text("nginx", "nginx.conf")
    parts = [part for part in text.split("\n    server {") if "\n        server_name " in part]
    # The servers that redirect come with the same name, and pass nothing on.
    servers = {part.split("server_name ")[1].split(";")[0].split()[0]: part for part in parts if "proxy_pass" in part}
    assert "proxy_pass http://s3;" in servers["s3.example.org"]
    assert "proxy_pass http://console;" in servers["console.example.org"]
    for name in ("s3.example.org", "console.example.org"):
        assert "ignore_invalid_headers off;" in servers[name]
        assert "onprem" not in servers[name], "nothing of MLflow's is denied or frozen here"
    assert "ignore_invalid_headers" not in servers["mlflow.example.org"]
