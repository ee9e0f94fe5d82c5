"""The OpenAPI document: it says what there is, and nothing that it lets one ask makes the server fail."""

import re

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from serving import Server

from kg.settings import Settings
from kg.web import openapi
from kg.web.routes import Service, create_app
from kg.workers.job import Limits
from kg.workers.pool import Pool

EXAMPLES = 20


class _Lease:
    number, base_iri = 1, "http://localhost:8000/"


def test_every_route_is_described():
    app = create_app(Service(Settings(), Pool(Limits(), _Lease())))  # type: ignore[arg-type]  # nothing is asked of it
    routes = {path.rstrip("/") or "/" for path in app.routes.exact} | {f"{prefix}{{name}}" for prefix in app.routes.prefixes}
    assert routes - {"*", "/static/{name}"} == set(openapi.document()["paths"])


def test_the_document_is_served_and_shown(client: httpx.Client):
    document = client.get("/openapi.json").json()
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"<(script|link|img)[^>]+https?://", page.text)
    for path in document["paths"]:
        assert f" {path}</code>" in page.text


OPERATIONS = [
    (path, method) for path, described in openapi.document()["paths"].items() for method in openapi.METHODS if method in described
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_that_the_document_allows_makes_the_server_fail(server: Server, path: str, method: str):
    operation = schemathesis.openapi.from_url(f"{server.url}/openapi.json")[path][method]

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:
        response = case.call(headers={"Authorization": f"Bearer {server.token}"})
        case.validate_response(response, checks=[not_a_server_error])

    ask()
