"""Training the model that says what kind of thing a new name names (`ingest.components.kinds`)."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from spacy.tokens import Doc, Span

from ingest.components import GAZETTEER, MENTIONS
from ingest.components.kinds import Features, KindModel, Spelled, features
from ingest.model import EntityType, MentionKind
from ingest.scoring import GoldClaim, normal

LEAST = 2  # times a feature must be seen
STRENGTH = 1.0  # inverse of the penalty
DIGITS = 3


@dataclass(frozen=True, slots=True)
class NameExample:
    """A name's features in one text, its kind, and how much it counts."""

    features: Features
    kind: EntityType
    weight: float


def of_article(
    doc: Doc, names: Mapping[str, frozenset[str]], gold: Sequence[GoldClaim], known: Collection[str], spelled: Spelled
) -> Iterator[NameExample]:
    """The new names whose kind the gold says, and the known names as if they were new; `known` are the gazetteer's ids."""
    said = {normal(name): kind for row in gold for name, kind in ((row.subject, row.subject_type), (row.object, row.object_type))}
    places: dict[str, list[Span]] = defaultdict(list)
    for span in doc.spans[MENTIONS]:
        if span.id_ == MentionKind.NAME.value:
            places[span.kb_id_].append(span)
    types = {span.root.i: span.label_ for span in doc.spans[MENTIONS] if span.kb_id_ in known}
    for entity, spans in places.items():
        others = {i: kind for i, kind in types.items() if all(i != span.root.i for span in spans)}
        if entity in known:
            yield NameExample(features(doc, spans, others, spelled), EntityType(spans[0].label_), 0.3)
        elif kind := next((said[name] for name in sorted(names[entity]) if said.get(name)), ""):
            yield NameExample(features(doc, spans, others, spelled), EntityType(kind), 1.0)


def of_passage(mentions: Iterable[Span], spelled: Spelled) -> Iterator[NameExample]:
    """The marked names of an own passage."""
    mentions = list(mentions)
    doc = mentions[0].doc
    places: dict[str, list[Span]] = defaultdict(list)
    for span in mentions:
        if span.id_ == MentionKind.NAME.value:
            places[span.kb_id_].append(span)
    known = {span.root.i: span.label_ for span in doc.spans[GAZETTEER]}
    for spans in places.values():
        others = {i: kind for i, kind in known.items() if all(i != span.root.i for span in spans)}
        yield NameExample(features(doc, spans, others, spelled), EntityType(spans[0].label_), 0.5)


def fit(examples: Sequence[NameExample]) -> KindModel:
    """The model for these examples; the same examples give the same numbers."""
    seen = Counter(name for example in examples for name in example.features)
    rows = [{name: value for name, value in example.features.items() if seen[name] >= LEAST} for example in examples]
    table = DictVectorizer(sparse=True)
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    model.fit(
        table.fit_transform(rows), [example.kind.value for example in examples], sample_weight=[example.weight for example in examples]
    )
    weights = {name: [round(float(w), DIGITS) for w in model.coef_[:, column]] for name, column in table.vocabulary_.items()}
    weights["bias"] = [round(float(w), DIGITS) for w in model.intercept_]
    return KindModel(tuple(EntityType(kind) for kind in model.classes_), weights)
