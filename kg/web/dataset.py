"""What the VoID description links to, and the description itself (https://www.w3.org/TR/void/, 7.2): /.well-known/void and /dump.nq.gz."""

from kg.formats import Format
from kg.iris import Iris
from kg.web import description
from kg.web.answers import Answers, Representation
from kg.web.call import Call
from kg.workers.wire import Dump

GZIP = Format("gzip", ("application/gzip",), "nq.gz", "", "https://www.rfc-editor.org/rfc/rfc6713")


async def describe(call: Call, answers: Answers, *, federates: bool) -> None:
    """What holds of the endpoint and the dataset, and what the meta graph says. Raises ProblemError 406."""
    base_iri = answers.pool.lease.base_iri
    rows = description.rows(base_iri, description.address(call), federates=federates)
    graph = Iris(base_iri).meta
    await description.construct(
        call, answers, f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {{ {rows} }} UNION {{ GRAPH {graph} {{ ?s ?p ?o }} }} }}"
    )


async def dump(call: Call, answers: Answers) -> None:
    """The whole dataset as a compressed file, whatever content coding the client takes."""
    await answers.send(call, Dump("", None, "nquads.gz"), Representation(GZIP))
