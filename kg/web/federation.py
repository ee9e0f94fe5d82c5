"""SERVICE: the gateway asks the endpoints that `KG_SERVICE_ALLOW` names, and puts what they answer into the query before a worker gets it.

No worker ever opens a connection. The gateway opens one only to an IRI that is in the list letter by letter; it follows no redirect, keeps
no cookie, uses no proxy, and takes only so many bytes and only for so long. What an endpoint answered is read in a worker, as it may be
hostile. Everything that goes wrong at an endpoint is a problem of the kind "service", and that is what SILENT passes over.
"""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from kg import federated
from kg.errors import QueryError
from kg.federated import Clause, Federated
from kg.formats import RESULTS
from kg.settings import Settings
from kg.web.answers import SHORT_CHARACTERS, Answers, reading_of, refused
from kg.web.call import Call
from kg.web.deadline import left_s, passed
from kg.web.problems import ProblemError
from kg.workers.wire import Clauses, Query, Rows

JSON_TYPES = (RESULTS["json"].media_type, "application/json")
SHOWN = 300  # characters of a query in a problem
OUTCOMES = ("answered", "failed")
HEADERS = {"Accept": JSON_TYPES[0], "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "aikg"}


class Federation:
    """Asks other endpoints for the queries of this one. `outcomes` counts the requests to them by how they ended."""

    def __init__(self, answers: Answers, settings: Settings) -> None:
        self._answers = answers
        self._settings = settings
        self._asking: Counter[str] = Counter()  # queries that ask somebody now, by caller
        # The transport alone: redirects, cookies, proxies and authentication are all the client's around it. No connection is used twice.
        self._transport = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=settings.service_calls, max_keepalive_connections=0))
        self.outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))

    async def read(self, call: Call, text: str, deadline: float) -> Federated:
        """The query's SERVICE clauses and the reading of the rest. `deadline`: the query's, on the loop's clock.

        Raises ProblemError when a clause may not run.
        """
        base_iri, most = f"{self._answers.pool.lease.base_iri}sparql", self._settings.service_clauses
        if len(text) > SHORT_CHARACTERS:
            found = json.loads(await self._answers.whole(call, Clauses("", text, base_iri, most), left_s(deadline)))
            clauses = tuple(Clause(**{**clause, "variables": tuple(clause["variables"])}) for clause in found["clauses"])
            query = Federated(reading_of(found["reading"]), clauses)
        else:
            query = _read(text, base_iri, most)
        for clause in query.clauses:
            if clause.endpoint not in self._settings.service_endpoints:
                raise ProblemError(
                    403,
                    "forbidden",
                    f"SERVICE <{clause.endpoint}> is not on this server's list; whoever runs it can add the IRI, as written here, to "
                    "KG_SERVICE_ALLOW, or ask that endpoint yourself and join the results",
                )
        return query

    async def resolved(self, call: Call, text: str, clauses: tuple[Clause, ...], deadline: float) -> str:
        """The query with the solutions of each clause in its place. Raises ProblemError."""
        for clause in clauses:
            await self._check(call, clause, deadline)
        with self._place(call.caller):
            blocks = [await self._block(call, clause, deadline) for clause in clauses]
        return federated.replaced(text, clauses, blocks)

    @contextmanager
    def _place(self, caller: str) -> Iterator[None]:
        """One of the places for queries that ask endpoints, of which a caller may hold a share. Raises ProblemError when none is left."""
        most = self._settings.service_calls
        mine = max(1, math.ceil(most * self._settings.query_share))
        if self._asking[caller] >= mine:
            raise ProblemError(
                429, "busy", "too many of your queries with SERVICE are running: wait for some", headers={"Retry-After": "2"}
            )
        if self._asking.total() >= most:
            raise ProblemError(
                503, "busy", "too many queries with SERVICE are running: try again in a moment", headers={"Retry-After": "2"}
            )
        self._asking[caller] += 1
        try:
            yield
        finally:
            self._asking[caller] -= 1
            if not self._asking[caller]:
                del self._asking[caller]

    async def _check(self, call: Call, clause: Clause, deadline: float) -> None:
        """See that the engine, too, takes the clause's group for one, before anybody is asked. Raises ProblemError 400."""
        query = Query("", f"{clause.query} LIMIT 0", "json")
        try:
            await self._answers.whole(call, query, left_s(deadline))
        except ProblemError as problem:
            if problem.kind == "syntax":
                asked = f"{clause.query[:SHOWN]}{'…' * (len(clause.query) > SHOWN)}"
                raise ProblemError(400, "syntax", f"SERVICE <{clause.endpoint}> would be asked {asked!r}: {problem.detail}") from problem
            if problem.kind != "evaluation":  # a function, say, that the endpoint may have
                raise

    async def _block(self, call: Call, clause: Clause, deadline: float) -> str:
        """The VALUES block for the clause; that of the empty solution when it is silent and its endpoint fails (Federated Query, 2.3)."""
        try:
            answer = await call.unless_gone(self._ask(clause, deadline))
            rows = Rows("", answer, clause.variables, max_rows=self._settings.service_rows, max_characters=self._limit_bytes)
            block = await self._read_rows(call, rows, deadline)
        except ProblemError as problem:
            self.outcomes["failed"] += problem.kind == "service"
            if problem.kind != "service":
                raise
            if not clause.silent:
                raise ProblemError(problem.status, problem.kind, f"SERVICE <{clause.endpoint}>: {problem.detail}") from problem
            call.note["silent"] = call.note.get("silent", 0) + 1
            return federated.EMPTY_SOLUTION
        self.outcomes["answered"] += 1
        return block.decode()

    async def _read_rows(self, call: Call, rows: Rows, deadline: float) -> bytes:
        """The block that a worker writes. Raises ProblemError: of the kind "service" for an answer that no worker can read."""
        try:
            return await self._answers.whole(call, rows, left_s(deadline))
        except ProblemError as problem:
            if problem.kind not in ("complexity", "memory", "crash"):
                raise
            raise _failed(502, f"its answer cannot be read: {problem.detail}") from problem

    @property
    def _limit_bytes(self) -> int:
        return self._settings.service_limit_kb * 1024

    async def _ask(self, clause: Clause, deadline: float) -> str:
        """What the endpoint answers. Raises ProblemError: of the kind "deadline" when the query's own has passed."""
        left, own_s = left_s(deadline), self._settings.service_timeout_s
        try:
            async with asyncio.timeout(min(left, own_s)):
                return await self._exchange(clause)
        except TimeoutError as error:
            if left <= own_s:
                raise passed() from error
            raise _failed(504, f"it did not answer within {own_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failed(502, f"the connection failed ({type(error).__name__})") from error

    async def _exchange(self, clause: Clause) -> str:
        """One request by the SPARQL 1.1 Protocol, 2.1.2, and the body of its answer."""
        request = httpx.Request("POST", clause.endpoint, data={"query": clause.query}, headers=HEADERS)
        response = await self._transport.handle_async_request(request)
        try:
            _check_head(response)
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > self._limit_bytes:
                    raise _failed(413, f"its answer is larger than {self._limit_bytes} bytes; {federated.ASK_FOR_LESS}")
            return body.decode()
        except UnicodeDecodeError as error:
            raise _failed(502, "its answer is not UTF-8") from error
        finally:
            await response.aclose()


def _read(text: str, base_iri: str, most: int) -> Federated:
    try:
        return federated.read(text, base_iri, most=most)
    except QueryError as error:
        raise refused(error) from error


def _check_head(response: httpx.Response) -> None:
    """See that the answer can be what was asked for, before any of its body is read."""
    status, media_type = response.status_code, response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if status != 200:
        moved = ", and redirects are not followed: name the address that it moved to" if 300 <= status < 400 else ""
        raise _failed(502, f"it answered {status}{moved}")
    if media_type not in JSON_TYPES or response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _failed(502, f"it did not answer with uncompressed {JSON_TYPES[0]}, which it was asked for")


def _failed(status: int, what: str) -> ProblemError:
    return ProblemError(status, "service", what)
