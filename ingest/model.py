"""The values that flow through the pipeline: article, mention, entity, claim.

All offsets are Unicode code points into `Article.text`, half-open (`text[start_char:end_char]`), as NIF 2.0 counts them.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class EntityType(StrEnum):
    """The guideline's entity types; values are the local names of the ontology's classes."""

    COMPANY = "Company"
    GOVERNMENT = "Government"
    PUBLIC_BODY = "PublicBody"
    RESEARCH_ORGANIZATION = "ResearchOrganization"
    ORGANIZATION = "Organization"
    PERSON = "Person"
    AI_MODEL = "AIModel"
    PRODUCT = "Product"
    REGULATION = "Regulation"
    PLACE = "Place"
    GROUP = "Group"
    CONCEPT = "Concept"


class Polarity(StrEnum):
    """Whether the text says that the relation holds or that it does not."""

    AFFIRMED = "affirmed"
    NEGATED = "negated"


class Modality(StrEnum):
    """Whether the relation is said to be real now, intended, uncertain, or over."""

    ACTUAL = "actual"
    PLANNED = "planned"
    POSSIBLE = "possible"
    PAST = "past"


class MentionKind(StrEnum):
    """How the text refers: by a name ("Mistral AI"), a description ("the French company"), a pronoun, or an adjective ("French")."""

    NAME = "name"
    NOMINAL = "nominal"
    PRONOUN = "pronoun"
    ADJECTIVE = "adjective"


class BlockKind(StrEnum):
    """What a block of the text is; a heading never shares a sentence with the paragraph after it."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or paragraph of an article's text."""

    start_char: int
    end_char: int
    kind: BlockKind


@dataclass(frozen=True, slots=True)
class Article:
    """One article as read from its source. `id` is stable across versions of the same article; `blocks` are in text order, disjoint."""

    id: str
    text: str
    blocks: tuple[Block, ...] = ()
    title: str = ""
    date: str = ""  # ISO 8601 date, or empty
    author: str = ""
    publisher: str = ""
    url: str = ""
    language: str = ""  # BCP 47, or empty
    source: str = field(default="", compare=False)  # where it was read, for messages; no part of the article


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of an article's text: `article.text[start_char:end_char] == text`."""

    text: str
    start_char: int
    end_char: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A span that refers to an entity, with the type it has there (a name may be typed differently in two articles)."""

    span: Span
    entity: str  # Entity.id
    type: EntityType
    kind: MentionKind


@dataclass(frozen=True, slots=True)
class Entity:
    """What mentions refer to. `id` is the local name of its IRI (`Mistral_AI`), stable across articles; `known`: it is in the gazetteer."""

    id: str
    label: str
    type: EntityType
    alt_labels: tuple[str, ...] = ()  # sorted; the gazetteer's and the article's own names for it, without `label`
    known: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """One article says, in the sentence `evidence`, that `relation` holds (or not) between two entities.

    `subject`, `object` and `attribution` are entity ids; `attribution` is empty when the article says it in its own voice.
    `confidence` is a probability in [0, 1], calibrated on held-out articles. `why` names the patterns and features behind the claim, for
    `kg extract --explain`; it takes no part in the claim's identity.
    """

    subject: str
    relation: str
    object: str
    polarity: Polarity
    modality: Modality
    attribution: str
    confidence: float
    evidence: Span
    subject_mention: Span
    object_mention: Span
    why: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in one article: entities sorted by id, mentions and claims in text order."""

    article: Article
    entities: tuple[Entity, ...]
    mentions: tuple[Mention, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """One entry of the gazetteer. `country` is the ISO 3166-1 alpha-2 code of where it is based, or empty.

    `demonyms` are adjectives for a place ("French"); `metonyms` are names of other things that stand for this entity when it acts
    ("Paris" for the Government of France).
    """

    id: str
    label: str
    type: EntityType
    alt_labels: tuple[str, ...] = ()
    country: str = ""
    demonyms: tuple[str, ...] = ()
    metonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation of the ontology, as extraction needs it.

    `domain` and `range` are the entity types allowed on each side; `cues` are lemmas or phrases that state the relation, enough for a
    relation that no weights were trained for.
    """

    name: str
    domain: frozenset[EntityType]
    range: frozenset[EntityType]
    symmetric: bool = False
    cues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schema:
    """What the pipeline must know of the ontology: its relations by name, and the gazetteer sorted by id."""

    relations: dict[str, Relation]
    known_entities: tuple[KnownEntity, ...]

    @property
    def symmetric(self) -> frozenset[str]:
        """The names of the relations that hold both ways: their two directions are one statement."""
        return frozenset(name for name, relation in self.relations.items() if relation.symmetric)
