"""The public registry, where the machine's engine can reach one."""

from __future__ import annotations

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from lab.catalogue import Image

_PROBE_TIMEOUT = 15


class Upstream:
    """Answers whether an image can be pulled; asks an unreachable registry once per run."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._reachable = True
        self._offered: dict[str, bool] = {}

    def offers(self, image: Image) -> bool:
        """Tell whether the registry would give the image, within seconds."""
        name = image.official
        if self._reachable and name not in self._offered:
            self._offered[name] = self._ask(name)
        return self._reachable and self._offered[name]

    def pull(self, image: Image) -> bool:
        """Pull the image; tell whether that worked."""
        if not self.offers(image):
            return False
        try:
            self._client.images.pull(image.official)
        except (DockerException, RequestException):
            self._offered[image.official] = False
            return False
        return True

    def _ask(self, name: str) -> bool:
        asking = docker.from_env(timeout=_PROBE_TIMEOUT)
        try:
            asking.images.get_registry_data(name)
        except APIError as error:
            # A server error is the engine's word for a registry that it cannot reach.
            self._reachable = not error.is_server_error()
            return False
        except RequestException:
            self._reachable = False
            return False
        finally:
            asking.close()
        return True
