"""`If-Match` and `If-None-Match` on writes (RFC 9110, 13.1.1 and 13.1.2): what the writer is to check under its lock.

A tag names one representation of a graph in one snapshot. Any representation will do in If-Match, as a client that writes Turtle may have
read JSON-LD: what the tag says is which snapshot the client has seen. So whatever is published in between, to this graph or to another,
makes If-Match fail; no change can be lost by that, but the client may have to read again for nothing.
"""

from collections.abc import Collection

from werkzeug.http import parse_etags

from kg.web.call import Call
from kg.workers.wire import NEVER, Condition


def condition(call: Call, tags: Collection[str], identity: tuple[int, int]) -> Condition:
    """What must hold for the write: `tags` are those of the graph's representations in the snapshot with this identity."""
    exists, on, not_on = None, None, None
    if call.has(b"if-match"):
        listed = parse_etags(call.header(b"if-match"))
        if not listed.star_tag:
            on = identity if any(listed.is_strong(tag.strip('"')) for tag in tags) else NEVER
        exists = True
    if call.has(b"if-none-match"):
        listed = parse_etags(call.header(b"if-none-match"))
        if listed.star_tag:
            exists = False
            on = NEVER if call.has(b"if-match") else None  # it cannot be there and not be there
        elif any(listed.contains_weak(tag.strip('"')) for tag in tags):
            not_on = identity
    return Condition(exists, on, not_on)
