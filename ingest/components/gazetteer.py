"""`aikg_gazetteer`: names of known entities, adjectives of nations and names of governments in the tokens; the longest match wins."""

from collections import defaultdict
from collections.abc import Iterator

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ingest.components import GAZETTEER
from ingest.components.governments import governments, of_places
from ingest.model import EntityType, KnownEntity, MentionKind, Schema
from ingest.names import new_id

_HYPHENS = frozenset({"-", "–", "‑"})

type Words = tuple[str, ...]
type Index = dict[str, list[tuple[Words, KnownEntity, MentionKind]]]


@Language.factory("aikg_gazetteer", assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Gazetteer":
    """Needs only the tokens; the names come with the Schema."""
    return Gazetteer(nlp)


class Gazetteer:
    """Matches token by token: capitalised names by their exact case ("Meta" is not "meta"), lower-case ones in any ("Open source")."""

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._index: Index = {}
        self._known: dict[str, KnownEntity] = {}
        self._governments: dict[str, str] = {}

    def use_schema(self, schema: Schema) -> None:
        """Indexes labels, alternative labels and demonyms by their first token."""
        self._known = {entity.id: entity for entity in schema.known_entities}
        names: dict[Words, tuple[KnownEntity, MentionKind]] = {}
        for entity in schema.known_entities:
            for words in self._forms(entity):
                if words not in names or entity.label == " ".join(words):
                    names[words] = (entity, MentionKind.NAME)
            for demonym in entity.demonyms:
                names.setdefault(self._words(demonym), (entity, MentionKind.ADJECTIVE))
                names.setdefault(self._words(f"{demonym}s"), (entity, MentionKind.ADJECTIVE))
        index = defaultdict(list)
        for words, (entity, kind) in sorted(names.items(), key=lambda pair: (-len(pair[0]), pair[0])):
            index[words[0]].append((words, entity, kind))
        self._index = dict(index)
        self._governments = of_places(schema)

    def _forms(self, entity: KnownEntity) -> Iterator[Words]:
        for name in dict.fromkeys((entity.label, *entity.alt_labels)):
            yield self._words(name)
            if name == name.lower():
                yield from (self._words(form) for form in _lower_case_forms(name))

    def _words(self, name: str) -> Words:
        return tuple(token.text for token in self._nlp.tokenizer(name))

    def __call__(self, doc: Doc) -> Doc:
        found = self._matches(doc)
        named = list(self._named_governments(doc, [span for span in found if span.label_ == EntityType.PLACE.value]))
        taken = {i for span in named for i in range(span.start, span.end)}
        spans = [*named, *(span for span in found if span.start not in taken)]
        spans.sort(key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[GAZETTEER] = SpanGroup(doc, name=GAZETTEER, spans=spans)
        return doc

    def _matches(self, doc: Doc) -> list[Span]:
        words = [token.text for token in doc]
        found, past = [], 0
        for position in (position for position, word in enumerate(words) if word in self._index):
            if position < past:
                continue
            for name, entity, kind in self._index[words[position]]:
                end = position + len(name)
                if tuple(words[position:end]) == name and not _is_part_of_word(doc, position, end):
                    found.append(_span(doc, position, end, entity.type, entity.id, kind))
                    past = end
                    break
        return found

    def _named_governments(self, doc: Doc, places: list[Span]) -> Iterator[Span]:
        """One mention a government; governments named together share a span, which is then no name of either."""
        for named in governments(doc, places):
            kind = MentionKind.NAME if len(named.nations) == 1 else MentionKind.NOMINAL
            for nation in named.nations:
                yield _span(doc, named.start, named.end, EntityType.GOVERNMENT, self._government(nation), kind)

    def _government(self, nation: Span) -> str:
        if nation.kb_id_ in self._governments:
            return self._governments[nation.kb_id_]
        kinds = {entity.id: entity.type for entity in self._known.values()}
        return new_id(f"Government of {self._known[nation.kb_id_].label}", EntityType.GOVERNMENT, kinds)


def _is_part_of_word(doc: Doc, start: int, end: int) -> bool:
    """Whether a one-token match is half of a hyphenated name: "X" in "X-Mode", but not in "X-based"."""
    if end - start > 1:
        return False
    after = end + 1 < len(doc) and doc[end].text in _HYPHENS and not doc[start].whitespace_ and not doc[end].whitespace_
    before = start > 1 and doc[start - 1].text in _HYPHENS and not doc[start - 1].whitespace_ and not doc[start - 2].whitespace_
    return len(doc[start]) <= 2 and ((after and doc[end + 1].text[:1].isupper()) or (before and doc[start - 2].text[:1].isalnum()))


def _span(doc: Doc, start: int, end: int, label: EntityType, entity: str, kind: MentionKind) -> Span:
    return Span(doc, start, end, label=label.value, kb_id=entity, span_id=kind.value)


def _lower_case_forms(name: str) -> Iterator[str]:
    """A common noun as it may stand in a text: at the start of a sentence, in a headline, in the plural."""
    plural = name if name.endswith("s") else f"{name}s"
    for form in (name, plural):
        yield form
        yield form[0].upper() + form[1:]
        yield form.title()
