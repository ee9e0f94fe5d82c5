"""/sparql: queries and updates by the SPARQL 1.1 Protocol; a bare GET describes the service, or is a page for a browser."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from kg import formats, syntax
from kg.errors import QueryError
from kg.federated import Federated
from kg.formats import GRAPHS, RESULTS, Format
from kg.iris import PREFIXES
from kg.syntax import Form, Reading
from kg.web import protocol
from kg.web.answers import SHORT_CHARACTERS, Answers, Representation, content_encoding, refused
from kg.web.call import Call, Handler
from kg.web.deadline import in_s, left_s
from kg.web.problems import ProblemError, not_acceptable
from kg.web.protocol import Ask
from kg.workers.wire import Query

if TYPE_CHECKING:
    from kg.web.federation import Federation

ALLOW = (b"allow", ", ".join(protocol.METHODS).encode())
ACCEPT_QUERY = (b"accept-query", b'"application/sparql-query", "application/x-www-form-urlencoded"')

Updater = Callable[[Call, Ask], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Sparql:
    """The endpoint. `describe` answers a bare GET, `page` a browser, `update` an update; `may_update` says whether the token allows one.

    `federation` asks other endpoints; None: nobody does.
    """

    answers: Answers
    describe: Handler
    page: Handler
    update: Updater
    may_update: Callable[[Call], bool]
    query_bytes: int
    update_bytes: int
    federation: "Federation | None" = None

    async def __call__(self, call: Call) -> None:
        """Answer one request to /sparql."""
        if await self.answers.send_again(call):
            return
        if call.method == "OPTIONS":
            await call.respond(204, [ALLOW, ACCEPT_QUERY])
            return
        if call.method in ("GET", "HEAD") and b"format=" not in call.scope["query_string"] and formats.prefers_html(call.header(b"accept")):
            await self.page(call)
            return
        # A form can carry either; only who may update may send a long one.
        limit_bytes = self.update_bytes if call.method == "POST" and self.may_update(call) else self.query_bytes
        ask = await protocol.ask(call, limit_bytes=limit_bytes)
        if ask is None:
            await self.describe(call)
            return
        if ask.operation == "update":
            await self.update(call, ask)
        else:
            await self._query(call, ask)

    async def _query(self, call: Call, ask: Ask) -> None:
        deadline = in_s(min(ask.timeout_s or math.inf, self.answers.pool.limits.timeout_s))
        query = await self.federation.read(call, ask.text, deadline) if self.federation and "service" in ask.text.lower() else None
        reading = query.reading if query else await self._read(call, ask.text, deadline)
        if reading.form is Form.UPDATE:
            raise ProblemError(400, "method", "this is an update: POST it as `update` or application/sparql-update, with a token")
        chosen = result_format(reading.form, call.header(b"accept"), ask.format)
        text = ask.text
        if self.federation and query and query.clauses:
            text, reading = await self._resolved(self.federation, call, text, query, deadline)
        base_iri = self.answers.pool.lease.base_iri
        request = Query(
            path="",
            text=text,
            format=chosen.name,
            base_iri=f"{base_iri}sparql",
            union=not reading.names_dataset,
            default_graphs=ask.default_graphs,
            named_graphs=ask.named_graphs,
            prefixes=PREFIXES if chosen.name in ("turtle", "trig", "rdfxml", "jsonld") else {},
            encoding=content_encoding(call),
        )
        call.note["form"] = reading.form.value
        await self.answers.send(call, request, Representation(chosen, cacheable=not reading.volatile, timeout_s=left_s(deadline)))

    async def _read(self, call: Call, text: str, deadline: float) -> Reading:
        return read(text) if len(text) <= SHORT_CHARACTERS else await self.answers.reading(call, text, left_s(deadline))

    async def _resolved(self, federation: "Federation", call: Call, text: str, query: Federated, deadline: float) -> tuple[str, Reading]:
        """The query without SERVICE: what it answers depends on more than the snapshot."""
        call.note["services"] = len(query.clauses)
        text = await federation.resolved(call, text, query.clauses, deadline)
        reading = await self._read(call, text, deadline)  # as every text that a worker gets; here it finds what no clause was
        return text, replace(reading, volatile=True)


def result_format(form: Form, accept: str, wanted: str) -> Format:
    """The format of a result: what `format=` names, else what `Accept` prefers. Raises ProblemError 406 that lists the others."""
    chosen = _chosen(form, accept, wanted)
    if chosen is None:
        raise not_acceptable([f"{f.name} ({f.media_type})" for f in _formats(form).values()])
    return chosen


@lru_cache(maxsize=512)
def _chosen(form: Form, accept: str, wanted: str) -> Format | None:
    table = _formats(form)
    return formats.named(wanted, table) if wanted else formats.choose(accept, tuple(table.values()))


def _formats(form: Form) -> dict[str, Format]:
    return RESULTS if form in (Form.SELECT, Form.ASK) else GRAPHS


def read(text: str) -> Reading:
    """What the short SPARQL text is. Raises ProblemError 400 or 403 with the reason."""
    try:
        return _read_again(text)
    except QueryError as error:
        raise refused(error) from error


@lru_cache(maxsize=2048)
def _read_again(text: str) -> Reading:
    return syntax.read(text)
