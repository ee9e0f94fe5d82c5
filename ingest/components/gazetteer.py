"""`aikg_gazetteer`: names of known entities, governments and nations, found in the tokens; the longest match wins."""

from collections import defaultdict
from collections.abc import Iterator

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from ingest.components import GAZETTEER
from ingest.components.governments import Nationality, governments, nationalities
from ingest.model import EntityType, KnownEntity, MentionKind, Schema
from ingest.names import new_id
from ingest.nations import country_codes, government_names


@Language.factory("aikg_gazetteer", assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Gazetteer":
    """Needs only the tokens; the names come with the Schema."""
    return Gazetteer(nlp)


class Gazetteer:
    """Matches token by token: capitalised names by their exact case ("Meta" is not "meta"), lower-case ones in any ("Open source")."""

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._names: dict[str, list[tuple[tuple[str, ...], KnownEntity]]] = {}
        self._by_name: dict[tuple[str, ...], KnownEntity] = {}
        self._known: dict[str, EntityType] = {}
        self._countries: dict[tuple[str, ...], str] = {}

    def use_schema(self, schema: Schema) -> None:
        """Indexes labels and alternative labels by their first token."""
        self._known = {entity.id: entity.type for entity in schema.known_entities}
        self._by_name = self._all_names(schema)
        index = defaultdict(list)
        for words, entity in sorted(self._by_name.items(), key=lambda pair: (-len(pair[0]), pair[0])):
            index[words[0]].append((words, entity))
        self._names = dict(index)
        self._countries = {self._words(country): country for country in country_codes()}

    def _all_names(self, schema: Schema) -> dict[tuple[str, ...], KnownEntity]:
        names: dict[tuple[str, ...], KnownEntity] = {}
        for entity in schema.known_entities:
            for words in self._forms(entity):
                if words not in names or entity.label == " ".join(words):
                    names[words] = entity
        return names

    def _forms(self, entity: KnownEntity) -> Iterator[tuple[str, ...]]:
        for name in dict.fromkeys((entity.label, *entity.alt_labels)):
            yield self._words(name)
            if name == name.lower():
                yield from (self._words(form) for form in _lower_case_forms(name))

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(token.text for token in self._nlp.make_doc(name))

    def __call__(self, doc: Doc) -> Doc:
        words = [token.text for token in doc]
        nations = nationalities(words, self._countries)
        spans = self._governments(doc, nations)
        taken = {i for span in spans for i in range(span.start, span.end)}
        names = [span for span in self._matches(doc, words) if taken.isdisjoint(range(span.start, span.end))]
        taken.update(i for span in names for i in range(span.start, span.end))
        adjectives = [span for span in self._nations(doc, nations) if taken.isdisjoint(range(span.start, span.end))]
        spans = sorted([*spans, *names, *adjectives], key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[GAZETTEER] = SpanGroup(doc, name=GAZETTEER, spans=spans)
        return doc

    def _matches(self, doc: Doc, words: list[str]) -> list[Span]:
        found, position = [], 0
        while position < len(words):
            length = 1
            for name, entity in self._names.get(words[position], ()):
                if tuple(words[position : position + len(name)]) == name:
                    length = len(name)
                    found.append(_span(doc, position, position + length, entity.type, entity.id, MentionKind.NAME))
                    break
            position += length
        return found

    def _governments(self, doc: Doc, nations: list[Nationality]) -> list[Span]:
        """One mention a government; governments named together share a span, which is then no name of either."""
        found = []
        for named in governments(doc, nations):
            kind = MentionKind.NAME if len(named.places) == 1 else MentionKind.NOMINAL
            ids = [self._id(government_names(place), EntityType.GOVERNMENT) for place in named.places]
            found += [_span(doc, named.start, named.end, EntityType.GOVERNMENT, entity, kind) for entity in ids]
        return found

    def _nations(self, doc: Doc, nations: list[Nationality]) -> list[Span]:
        kinds = {True: MentionKind.ADJECTIVE, False: MentionKind.NAME}
        return [_span(doc, n.start, n.end, EntityType.PLACE, self._id([n.place], EntityType.PLACE), kinds[n.adjective]) for n in nations]

    def _id(self, names: list[str], kind: EntityType) -> str:
        """The known entity of one of the names, else a new one by the first."""
        known = (self._by_name.get(self._words(name)) for name in names)
        return next((entity.id for entity in known if entity is not None and entity.type is kind), new_id(names[0], kind, self._known))


def _span(doc: Doc, start: int, end: int, label: EntityType, entity: str, kind: MentionKind) -> Span:
    return Span(doc, start, end, label=label.value, kb_id=entity, span_id=kind.value)


def _lower_case_forms(name: str) -> Iterator[str]:
    """A common noun as it may stand in a text: at the start of a sentence, in a headline, in the plural."""
    plural = name if name.endswith("s") else f"{name}s"
    for form in (name, plural):
        yield form
        yield form[0].upper() + form[1:]
        yield form.title()
