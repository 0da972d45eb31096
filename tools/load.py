"""Bounded load on one HTTP address, with the standard library only, so that it runs on a server as it is.

Reads its task as JSON from standard input and prints its result as JSON:
`requests`: how many GETs a second `clients` keep-alive connections get answered within `seconds`;
`artifact`: bytes a second of one PUT and one GET of `size` bytes.
"""

from __future__ import annotations

import base64
import http.client
import json
import sys
import threading
import time
from typing import Any

BLOCK = bytes(range(256)) * 4096


def headers(task: dict[str, Any]) -> dict[str, str]:
    """Make the headers that name the host and log in."""
    made = {"Host": task["host_header"]}
    if task.get("username"):
        login = f"{task['username']}:{task['password']}".encode()
        made["Authorization"] = "Basic " + base64.b64encode(login).decode()
    return made


def get_until(task: dict[str, Any], end: float, done: list[int]) -> None:
    """Ask the same address again and again on one connection; an answer other than 200 ends the program."""
    connection = http.client.HTTPConnection(task["host"], task["port"], timeout=60)
    count = 0
    while time.monotonic() < end:
        connection.request("GET", task["path"], headers=headers(task))
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {task['path']}: {answer.status}")
        count += 1
    done.append(count)


def requests(task: dict[str, Any]) -> dict[str, float]:
    """Measure requests a second."""
    done: list[int] = []
    start = time.monotonic()
    end = start + task["seconds"]
    threads = [threading.Thread(target=get_until, args=(task, end, done)) for _ in range(task["clients"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) != task["clients"]:
        raise SystemExit(f"{task['clients'] - len(done)} of {task['clients']} clients failed")
    return {"per_second": sum(done) / (time.monotonic() - start)}


def artifact(task: dict[str, Any]) -> dict[str, float]:
    """Measure one upload and one download."""
    connection = http.client.HTTPConnection(task["host"], task["port"], timeout=600)
    size = task["size"]
    blocks, rest = divmod(size, len(BLOCK))
    start = time.monotonic()
    body = (BLOCK if number < blocks else BLOCK[:rest] for number in range(blocks + bool(rest)))
    connection.request("PUT", task["path"], body=body, headers={**headers(task), "Content-Length": str(size)})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"PUT {task['path']}: {answer.status}")
    middle = time.monotonic()
    connection.request("GET", task["path"], headers=headers(task))
    answer = connection.getresponse()
    read = 0
    while block := answer.read(1 << 20):
        read += len(block)
    end = time.monotonic()
    if answer.status != 200 or read != size:
        raise SystemExit(f"GET {task['path']}: {answer.status}, {read} of {size} bytes")
    connection.request("DELETE", task["path"], headers=headers(task))
    connection.getresponse().read()
    return {"upload": size / (middle - start), "download": size / (end - middle)}


if __name__ == "__main__":
    order = json.load(sys.stdin)
    print(json.dumps({"requests": requests, "artifact": artifact}[order["kind"]](order)))
