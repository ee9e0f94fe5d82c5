"""HTTP to a remote store: timeouts, retries of what may be repeated, errors that say what, where and what to do, results as streams."""

import json
from collections.abc import Iterator
from contextlib import suppress
from time import sleep
from typing import IO, cast

import httpx
from pyoxigraph import QueryBoolean, QueryResultsFormat, QuerySolutions, RdfFormat, Triple, parse, parse_query_results

from kg.errors import RemoteError
from kg.formats import GRAPHS, RESULTS
from kg.remote import texts
from kg.remote.endpoints import Endpoints, authorization, candidates
from kg.settings import Settings
from kg.syntax import Form

TRIES = 3
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
CONNECT_S = 10.0
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
REPEATABLE = frozenset({429, 502, 503})  # RFC 9110, 15.5 and 15.6: not done this time
DONE = frozenset({200, 201, 202, 204})
JSON, N_TRIPLES = RESULTS["json"].media_type, GRAPHS["ntriples"].media_type
NO_PARAMETERS: "Parameters" = {}
UNION: "Parameters" = {"union-default-graph": "true"}  # Oxigraph's; SPARQL 1.1 Protocol has no parameter for it
PROBE = "ASK {}"
SHOWN = 300  # characters of what the service says

# What to do about a status.
ADVICE = {
    400: "the service does not understand what was asked",
    401: "set KG_STORE_TOKEN, or KG_STORE_USER and KG_STORE_PASSWORD",
    403: "the token or user may not do this there",
    404: "check --store (KG_STORE), or name the endpoints with KG_STORE_QUERY, KG_STORE_UPDATE and KG_STORE_GRAPHS",
    405: "is this the right endpoint? name it with KG_STORE_QUERY, KG_STORE_UPDATE or KG_STORE_GRAPHS",
    413: "the service takes no request of this size; raise its limit",
    504: "the service's own deadline has passed; ask for less, or raise it there",
}

type Parameters = dict[str, str | list[str]]


class Client:
    """Speaks the SPARQL 1.1 Protocol to one service. `place` is its address, for people. Close it in the end."""

    def __init__(self, settings: Settings) -> None:
        self.place = settings.store or ""
        timeout = httpx.Timeout(settings.store_timeout_s, connect=CONNECT_S)
        self._http = httpx.Client(timeout=timeout, auth=authorization(settings))
        try:
            self.endpoints = self._find(candidates(settings))
        except BaseException:
            self.close()
            raise
        self._union: Parameters | None = None

    def close(self) -> None:
        """End every connection, also of results that were not read to their end."""
        self._http.close()

    def select(self, text: str) -> QuerySolutions:
        """The rows of a SELECT of our own, as they come in."""
        found = self.results(text)
        assert isinstance(found, QuerySolutions)  # noqa: S101  a SELECT
        return found

    def ask(self, text: str) -> bool:
        """The answer to an ASK of our own."""
        found = self.results(text)
        assert isinstance(found, QueryBoolean)  # noqa: S101  an ASK
        return bool(found)

    def results(self, text: str, dataset: Parameters | None = None) -> QuerySolutions | QueryBoolean:
        """The result of a SELECT or ASK; rows come as they are read. Raises RemoteError."""
        try:
            return parse_query_results(self._query(text, JSON, dataset), QueryResultsFormat.JSON)
        except (SyntaxError, ValueError) as error:
            raise not_results(self.place, error) from error

    def graph(self, text: str, dataset: Parameters | None = None) -> Iterator[Triple]:
        """The triples of a CONSTRUCT or DESCRIBE as they are read. Raises RemoteError."""
        body = self._query(text, N_TRIPLES, dataset)
        return (quad.triple for quad in parse(body, RdfFormat.N_TRIPLES))

    def answer(self, form: Form, text: str, dataset: Parameters | None = None) -> QuerySolutions | QueryBoolean | Iterator[Triple]:
        """The result of a query of any form."""
        return self.results(text, dataset) if form in (Form.SELECT, Form.ASK) else self.graph(text, dataset)

    def union(self) -> Parameters:
        """The parameters with which the default graph of a query is the union of all graphs, which SPARQL leaves to each service.

        Tried on a quad that is stored in a named graph. Raises RemoteError when the service cannot do it.
        """
        if self._union is None:
            self._union = self._find_union()
        return self._union or {}

    def update(self, text: str, *, repeatable: bool) -> None:
        """Run an update. `repeatable`: twice is as good as once, so it is sent again when the connection breaks. Raises RemoteError."""
        request = self._http.build_request("POST", self.endpoints.update, data={"update": text})
        self._finish(request, repeatable=repeatable)

    def put_graph(self, iri: str, triples: IO[bytes]) -> None:
        """Put a graph, N-Triples, in the place of what is there (Graph Store Protocol, 5.3); sent once. Raises RemoteError."""
        request = self._http.build_request(
            "PUT", self.endpoints.graphs, params={"graph": iri}, content=triples, headers={"Content-Type": N_TRIPLES}
        )
        self._finish(request, repeatable=False)  # the file has been read

    def _query(self, text: str, accept: str, dataset: Parameters | None = None) -> IO[bytes]:
        data = {"query": text, **(dataset or {})}
        request = self._http.build_request("POST", self.endpoints.query, data=data, headers={"Accept": accept})
        return cast(IO[bytes], Body(self._send(request, repeatable=True), self.place))

    def _finish(self, request: httpx.Request, *, repeatable: bool) -> None:
        response = self._send(request, repeatable=repeatable)
        with suppress(httpx.HTTPError):
            response.read()  # so that the connection can be used again
        response.close()

    def _send(self, request: httpx.Request, *, repeatable: bool) -> httpx.Response:
        """The response with its body still to be read; every status but success is an error."""
        pause_s = FIRST_PAUSE_S
        for left in reversed(range(TRIES)):
            try:
                response = self._http.send(request, stream=True)
            except httpx.TransportError as error:
                if not left or not (isinstance(error, NOT_SENT) or (repeatable and not isinstance(error, httpx.TimeoutException))):
                    raise unreachable(self.place, error, doubtful=not repeatable) from error
            else:
                if response.status_code in DONE:
                    return response
                if not (left and repeatable and response.status_code in REPEATABLE):
                    raise self._refused(request, response)
                pause_s = max(pause_s, _retry_after_s(response))
                response.close()
            sleep(min(pause_s, LONGEST_PAUSE_S))
            pause_s *= 2
        raise AssertionError("the last try returns or raises")

    def _refused(self, request: httpx.Request, response: httpx.Response) -> RemoteError:
        try:
            response.read()
        except httpx.HTTPError as error:
            return unreachable(self.place, error)
        finally:
            response.close()
        return refused(str(request.url.copy_with(query=None)), response)

    def _find(self, possible: list[Endpoints]) -> Endpoints:
        """The first endpoints that answer a query. Raises the first's RemoteError when none does."""
        complaints: list[RemoteError] = []
        for endpoints in possible:
            self.endpoints = endpoints
            try:
                if len(possible) == 1 or self.ask(PROBE):
                    return endpoints
            except RemoteError as error:
                complaints.append(error)
                if error.status in (None, 401, 403):  # it is not there at all, or knows us not
                    break
        raise complaints[0]

    def _find_union(self) -> Parameters | None:
        row = next(self.select(texts.SOME_QUAD), None)
        if row is None:
            return None  # nothing to tell by
        seen = f"ASK {{ {row['s']} {row['p']} {row['o']} }}"
        for parameters in (NO_PARAMETERS, UNION):
            if self.results(seen, parameters):
                return parameters
        raise RemoteError(
            f"{self.place} keeps its graphs out of its default graph, and queries are about the union of all graphs; start it so "
            "(oxigraph --union-default-graph, Fuseki's unionDefaultGraph), or say FROM in the query"
        )


class Body:
    """A response as a file that is read once, front to back. It closes itself at its end. Reading raises RemoteError."""

    def __init__(self, response: httpx.Response, place: str) -> None:
        self._response = response
        self._place = place
        self._pieces = response.iter_bytes()
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, b"" at the end; no more than one piece of the response at a time."""
        while not self._rest:
            try:
                piece = next(self._pieces, None)
            except httpx.HTTPError as error:
                raise unreachable(self._place, error) from error
            if piece is None:
                self._response.close()
                return b""
            self._rest = piece
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return taken

    def __del__(self) -> None:
        self._response.close()


def not_results(place: str, error: Exception) -> RemoteError:
    """The answer cannot be read, or ended too soon."""
    return RemoteError(
        f"{place} did not answer with whole results ({error}); what it sent is thrown away: see its log, then try again", status=200
    )


def unreachable(place: str, error: httpx.HTTPError, *, doubtful: bool = False) -> RemoteError:
    """The service cannot be reached, or the connection broke; `doubtful`: that leaves open whether an update was done."""
    reason = str(error) or type(error).__name__
    if isinstance(error, NOT_SENT):
        return RemoteError(f"cannot reach {place} ({reason}); is it running, and is --store (KG_STORE) right?")
    doubt = "; whether the update was done is not known: look before you send it again" if doubtful else ""
    if isinstance(error, httpx.TimeoutException):
        return RemoteError(f"{place} was silent for too long{doubt}; ask for less, or wait longer with KG_STORE_TIMEOUT_S")
    return RemoteError(f"lost the connection to {place} ({reason}){doubt}; see its log, then try again")


def refused(url: str, response: httpx.Response) -> RemoteError:
    """What a status that is no success means; the body has been read."""
    status = response.status_code
    said = _said(response)
    advice = f"it redirects to {response.headers.get('location')}; give that" if response.is_redirect else ADVICE.get(status, "see its log")
    return RemoteError(f"{url} answered {status} {response.reason_phrase}{f' ({said})' if said else ''}; {advice}", status=status)


def _said(response: httpx.Response) -> str:
    """What the service says itself: the detail of a problem (RFC 9457), or its text."""
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if media_type == "application/problem+json":
        with suppress(ValueError, AttributeError):
            return str(json.loads(response.content).get("detail", ""))[:SHOWN]
    text = response.text if media_type in ("", "text/plain", "application/json") else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:SHOWN]


def _retry_after_s(response: httpx.Response) -> float:
    """RFC 9110, 10.2.3; 0 where it is a date or not given."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0
