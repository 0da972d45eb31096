"""Filling the mirror: each image is pulled where a registry answers, else made from packages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import ImageNotFound
from docker.models.images import Image as DockerImage

from lab import builder, cache, names, rootfs
from lab.catalogue import Image
from lab.console import Console
from lab.errors import LabError
from lab.registry import Registry
from lab.upstream import Upstream

PULLED = "pulled"


class Supply:
    """Puts images into the mirror, each once per recipe."""

    def __init__(self, client: docker.DockerClient, console: Console, registry: Registry, upstream: Upstream) -> None:
        self._client = client
        self._console = console
        self._registry = registry
        self._upstream = upstream

    def ensure(
        self,
        image: Image,
        files: Mapping[str, Path] | None = None,
        extra: str = "",
        *,
        cpu_shares: int | None = None,
    ) -> None:
        """Put the image into the mirror where it is missing or its recipe changed.

        *files* join the build context; *extra* stands for them in the recipe.
        """
        base = rootfs.plan(image.suite)
        arguments = {"BASE": base.tag, **image.build_arguments()}
        recipe = builder.recipe_digest(image.recipe, base.digest, {"arguments": arguments, "files": extra})
        there = self._holds(image, recipe)
        pulled = not there and self._upstream.offers(image)
        if not there and not pulled and not rootfs.is_current(self._client, base.tag, base.digest):
            rootfs.ensure(self._client, self._console, image.suite)
        with self._console.step(f"image {image.official}") as step:
            if there:
                step.result("in the mirror")
            elif pulled and self._pull(image):
                step.result("pulled")
            else:
                local = local_name(image)
                if not rootfs.is_current(self._client, local, recipe):
                    builder.build(
                        self._client,
                        image.recipe,
                        local,
                        recipe,
                        arguments=arguments,
                        files=files,
                        cpu_shares=cpu_shares,
                    )
                self._push(local, image, recipe)
                step.result("made from packages")

    def ensure_there(self, image: Image) -> None:
        """Pull an image where the mirror lacks it and there is nothing to make it from."""
        with self._console.step(f"image {image.official}") as step:
            if self._registry.digest(image.repository, image.tag) is not None:
                step.result("in the mirror")
            elif self._pull(image):
                step.result("pulled")
            else:
                raise LabError(f"{image.official} can neither be pulled nor made; run the same command again.")

    def keep(self, image: Image) -> None:
        """Have an image of the mirror on this machine's own engine too, under its official name.

        What playbooks build or save on the controller they look for there. An image that the lab did not make stays.
        """
        with self._console.step(f"image {image.official} on this machine") as step:
            found = self._find(image.official)
            if found is not None and names.LABEL not in found.labels:
                step.result("there, not the lab's")
                return
            made = self._find(local_name(image)) or self._client.images.pull(
                f"{self._registry.address}/{image.repository}", image.tag
            )
            made.tag(image.official)
            step.result("there")

    def _find(self, name: str) -> DockerImage | None:
        try:
            return self._client.images.get(name)
        except ImageNotFound:
            return None

    def _holds(self, image: Image, recipe: str) -> bool:
        """Tell whether the mirror holds the image, pulled or made by this recipe.

        A second tag tells where an image came from, as a pulled one cannot carry a label of ours.
        """
        there = self._registry.digest(image.repository, image.tag)
        return there is not None and any(
            self._registry.digest(image.repository, _origin_tag(origin)) == there for origin in (recipe, PULLED)
        )

    def _pull(self, image: Image) -> bool:
        if not self._upstream.pull(image):
            return False
        self._client.images.get(image.official).tag(local_name(image))
        self._push(image.official, image, PULLED)
        return True

    def _push(self, local: str, image: Image, origin: str) -> None:
        target = f"{self._registry.address}/{image.repository}"
        with cache.log_file(f"push-{image.folder}").open("w", encoding="utf-8") as output:
            # The origin first: an interrupted push then shows as an image that is missing.
            for tag in (_origin_tag(origin), image.tag):
                self._client.images.get(local).tag(target, tag)
                try:
                    for line in self._client.images.push(target, tag, stream=True, decode=True):
                        output.write(f"{line}\n")
                        if "error" in line:
                            raise LabError(f"The mirror refused {image.official}: {line['error']}")
                finally:
                    self._client.images.remove(f"{target}:{tag}", noprune=True)


def local_name(image: Image) -> str:
    """Return the name of the image on the machine's own engine."""
    return names.image(image.repository.removeprefix("library/"), image.tag)


def _origin_tag(origin: str) -> str:
    return f"from-{origin}"
