"""Laws by the form of their names: "Regulation (EU) 2018/1725", "Executive Order 14110", "Section 702", "the Online Safety Act of 2023"."""

import re
from collections.abc import Iterator

from spacy.strings import get_string_id
from spacy.tokens import Doc

from ingest.components import text_of

_NUMBERED = re.compile(
    r"\b(?:(?:Regulation|Directive|Decision) (?:\((?:EU|EC|EEC)\) )?(?:No\.? ?)?\d{2,4}/\d{2,4}(?:/E[UC])?"
    r"|(?:Executive Order|House Resolution|Senate Bill|Assembly Bill|House Bill|H\.R\.|S\.B\.) ?(?:No\. ?)?\d{2,5}|Section \d{3,4})\b"
)
_HEADS = frozenset(map(get_string_id, ("Act", "Bill")))
_INSIDE = frozenset({"is", "not", "for", "to", "from", "of", "and", "on", "with", "against"})


def regulations(doc: Doc) -> Iterator[tuple[int, int]]:
    """Token spans of laws, half-open, in text order, disjoint."""
    found = [(span.start, span.end) for match in _NUMBERED.finditer(text_of(doc)) if (span := doc.char_span(*match.span())) is not None]
    found += [(start, token.i + 1) for token in doc if token.orth in _HEADS and (start := _titled(doc, token.i)) < token.i - 1]
    end = 0
    for start, stop in sorted(found):
        if start >= end:
            yield start, stop
            end = stop


def _titled(doc: Doc, head: int) -> int:
    """The first token of a law's title that ends at `head`: capitalised words, and small words between two of them."""
    start = head
    while start > 0 and not doc[start].is_sent_start:
        before = doc[start - 1]
        if _is_title_word(before.text):
            start -= 1
        elif before.lower_ in _INSIDE and start > 1 and _is_title_word(doc[start - 2].text) and not before.is_sent_start:
            start -= 2
        else:
            break
    return start


def _is_title_word(text: str) -> bool:
    return text[:1].isupper() and text.lower() not in ("the", "a", "an", "this", "that", "congress", "parliament", "commission")
