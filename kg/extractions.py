"""What was found in an article as JSON: entities with their mentions, claims with their evidence.

Offsets are Unicode code points into the article's text, half-open; `subject`, `object` and `attribution` are entity ids, `attribution` is
empty when the article says it in its own voice.
"""

from collections import defaultdict
from typing import Any

from ingest.model import Article, Claim, Entity, Extraction, Span

_CONFIDENCE_PLACES = 3


def as_json(extraction: Extraction, *, explain: bool = False) -> dict[str, Any]:
    """The extraction as an object for `json.dumps`; `explain` adds to each claim the patterns and features behind it as `why`."""
    mentions: dict[str, list[Span]] = defaultdict(list)
    for mention in extraction.mentions:
        mentions[mention.entity].append(mention.span)
    return {
        "article": _article(extraction.article),
        "entities": [_entity(entity, mentions[entity.id]) for entity in extraction.entities],
        "claims": [_claim(claim) | ({"why": list(claim.why)} if explain else {}) for claim in extraction.claims],
    }


def as_json_line(extraction: Extraction, *, explain: bool = False) -> dict[str, Any]:
    """The same object with the article's id at its top, for one line among many."""
    return {"id": extraction.article.id, **as_json(extraction, explain=explain)}


def _article(article: Article) -> dict[str, str]:
    fields = ("id", "title", "date", "author", "publisher", "url", "language")
    return {name: value for name in fields if (value := getattr(article, name))}


def _entity(entity: Entity, mentions: list[Span]) -> dict[str, Any]:
    return {
        "id": entity.id,
        "label": entity.label,
        "type": entity.type.value,
        "altLabels": list(entity.alt_labels),
        "mentions": [{"start": span.start_char, "end": span.end_char, "text": span.text} for span in mentions],
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "subject": claim.subject,
        "relation": claim.relation,
        "object": claim.object,
        "polarity": claim.polarity.value,
        "modality": claim.modality.value,
        "attribution": claim.attribution,
        "confidence": round(claim.confidence, _CONFIDENCE_PLACES),
        "evidence": _span(claim.evidence),
        "subject_mention": _span(claim.subject_mention),
        "object_mention": _span(claim.object_mention),
    }


def _span(span: Span) -> dict[str, Any]:
    return {"text": span.text, "start": span.start_char, "end": span.end_char}
