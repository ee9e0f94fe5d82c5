"""The OpenAPI document: /openapi.json, and /docs as a page that loads nothing from elsewhere."""

import json
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kg.web import pages
from kg.web.call import Call

FILE = Path(__file__).with_name("openapi.yaml")
METHODS = ("get", "put", "post", "delete")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The document, with the installed version."""
    import yaml  # with the templates it takes a tenth of the start to load, and hardly anybody asks for either

    read: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    read["info"]["version"] = version("aikg")
    return read


async def send(call: Call) -> None:
    """The document as JSON."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"public, no-cache")]
    await call.respond_tagged(headers, json.dumps(document(), ensure_ascii=False).encode())


async def page(call: Call) -> None:
    """The document as a page."""
    await pages.page(call, "docs.html", info=document()["info"], operations=_operations())


def _operations() -> list[dict[str, Any]]:
    """Each method of each path, with its parameters and what it answers."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "specification": operation.get("externalDocs", {}).get("url", ""),
            "parameters": [_resolved(p) for p in [*described.get("parameters", []), *operation.get("parameters", [])]],
            "takes": list(operation.get("requestBody", {}).get("content", {})),
            "token": {} not in operation.get("security", [{}]),
            "statuses": list(operation["responses"]),
        }
        for path, described in document()["paths"].items()
        for method, operation in described.items()
        if method in METHODS
    ]


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document()["components"]["parameters"][name] if name else parameter
    return found
