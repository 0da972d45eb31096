"""Images, packages and MLflow's own image come from the site's servers, with the certificates of its authority."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ...conftest import INVENTORY, Platform

REGISTRY = "gateway.site.lab:5000"
AUTHORITIES = "import json, ssl; print(json.dumps(ssl.create_default_context().get_ca_certs()))"


@pytest.fixture(scope="module")
def gateway() -> Platform:
    return Platform(INVENTORY, "gateway")


@pytest.fixture(scope="module")
def published(platform: Platform) -> dict[str, Any]:
    """Publish the image that runs, as somebody does who has one registry for all servers."""
    image = platform.container("mlflow")["Config"]["Image"]
    reference = f"{REGISTRY}/site/mlflow:{image.rpartition(':')[2]}"
    platform.host.check_output(
        f"docker tag {image} {reference} && docker push --quiet {reference} && docker image rm {reference}"
    )
    return {"mlflow_image_source": "pull", "mlflow_image_name": f"{REGISTRY}/site/mlflow"}


@pytest.mark.parametrize("image", ["mysql", "nginx", "python"])
def test_images_come_through_the_mirror(gateway: Platform, image: str) -> None:
    log = gateway.host.file("/var/log/nginx/registry.log").content_string
    assert re.search(rf'"(GET|HEAD) /v2/library/{image}/manifests/\S+ HTTP/1.1" 200 ', log)


def test_packages_come_from_the_index(gateway: Platform) -> None:
    log = gateway.host.file("/var/log/nginx/packages.log").content_string
    for package in ("mlflow", "humanize"):
        assert re.search(rf'"GET /\S*/{package}/ HTTP/1.1" (200|304) ', log), package


def test_what_was_added_is_in_the_image(platform: Platform) -> None:
    assert platform.compose("exec -T mlflow python -c 'import humanize; print(humanize.__version__)'") == "4.13.0"


def test_mlflow_trusts_the_authority_beside_the_public_ones(platform: Platform) -> None:
    listed = platform.compose(f"exec -T mlflow python -c '{AUTHORITIES}'")
    assert "The authority of a site" in listed
    assert listed.count('"serialNumber"') > 50


def test_a_user_gets_in(platform: Platform) -> None:
    assert platform.login_status("admin", platform.password("admin")) == 200


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    platform.assert_settled()


def test_an_image_of_another_origin_is_refused(platform: Platform) -> None:
    before = platform.containers()
    result = platform.site(mlflow_image_source="pull", mlflow_image=f"{REGISTRY}/library/nginx:1.30")
    assert result.returncode != 0
    assert "mlflow_image" in result.message
    assert platform.containers() == before


def test_a_published_image_is_pulled(platform: Platform, published: dict[str, Any]) -> None:
    before = platform.containers()
    result = platform.site(**published)
    result.assert_ok()
    assert platform.container("mlflow")["Config"]["Image"].startswith(published["mlflow_image_name"] + ":")
    after = platform.containers()
    assert [name for name in before if before[name] != after[name]] == ["mlflow"]
    assert platform.site(**published).changed == []


def test_an_image_is_pinned_by_its_digest(platform: Platform, published: dict[str, Any]) -> None:
    pinned = platform.host.check_output("docker image inspect --format '{{index .RepoDigests 0}}' nginx:1.30")
    assert pinned.startswith("nginx@sha256:")
    before = platform.containers()
    platform.site(**published, nginx_image=pinned).assert_ok()
    assert platform.container("nginx")["Config"]["Image"] == pinned
    after = platform.containers()
    assert [name for name in before if before[name] != after[name]] == ["nginx"]

    wrong = platform.site(**published, nginx_image=f"nginx@sha256:{'0' * 64}")
    assert wrong.returncode != 0
    assert platform.containers() == after
