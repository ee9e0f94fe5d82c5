"""Other people's relation corpora as passages with known pairs: KnowledgeNet (Mesquita et al. 2019) and CORE (Borchert et al. 2023)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.errors import ArticleError
from ingest.model import EntityType

C, P, O, L, G = EntityType.COMPANY, EntityType.PERSON, EntityType.ORGANIZATION, EntityType.PLACE, EntityType.PRODUCT  # noqa: E741

type Offsets = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a corpus's label reads in the ontology; `inverse`: its object is the relation's subject. Types: where the pipeline has none."""

    relation: str
    inverse: bool
    subject_type: EntityType
    object_type: EntityType


@dataclass(frozen=True, slots=True)
class KnownPair:
    """Subject and object by their offsets (half-open), and the relation between them; an empty relation: none of the corpus's holds."""

    subject: Offsets
    object: Offsets
    relation: str
    subject_type: EntityType
    object_type: EntityType


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its known pairs. `judged` are the relations for which every pair was judged; `fold` as the corpus has it."""

    id: str
    text: str
    pairs: tuple[KnownPair, ...]
    judged: frozenset[str]
    fold: int = 0


KNOWLEDGENET = {
    "CEO": Mapping("leads", True, P, C),
    "FOUNDED_BY": Mapping("founded", True, P, C),
    "SUBSIDIARY_OF": Mapping("ownedBy", False, C, C),
    "HEADQUARTERS": Mapping("basedIn", False, C, L),
    "EMPLOYEE_OR_MEMBER_OF": Mapping("worksFor", False, P, C),
    "POLITICAL_AFFILIATION": Mapping("memberOf", False, P, O),
}
CORE = {
    "acquired_by": Mapping("acquires", True, C, C),
    "subsidiary_of": Mapping("ownedBy", False, C, C),
    "shareholder_of": Mapping("investsIn", False, C, C),
    "collaboration": Mapping("partnersWith", False, C, C),
    "competitor_of": Mapping("competesWith", False, C, C),
    "client_of": Mapping("suppliesTo", True, C, C),
    "regulated_by": Mapping("regulates", True, EntityType.PUBLIC_BODY, C),
    "product_or_service_of": Mapping("develops", True, C, G),
    "brand_of": Mapping("ownedBy", False, C, C),
}


def knowledgenet(directory: Path, *, folds: frozenset[int] | None = frozenset({1, 2, 3})) -> Iterator[Passage]:
    """The passages of `train.jsonl` in these folds (None: in any) that judge a mapped property. Raises ArticleError for another file."""
    path = directory / "train.jsonl"
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if (folds is None or row["fold"] in folds) and any(name in KNOWLEDGENET for name in row["properties"]):
                yield _knowledgenet_passage(row)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArticleError(str(path), f"not KnowledgeNet's train.jsonl: {type(error).__name__}: {error}") from error


def _knowledgenet_passage(row: dict[str, Any]) -> Passage:
    facts = [fact for fact in row["facts"] if fact["property"] in KNOWLEDGENET]
    pairs = [_pair(KNOWLEDGENET[fact["property"]], tuple(fact["subject"]), tuple(fact["object"])) for fact in facts]
    judged = frozenset(KNOWLEDGENET[name].relation for name in row["properties"] if name in KNOWLEDGENET)
    return Passage(f"knowledgenet-{row['id']}", row["text"], tuple(dict.fromkeys(pairs)), judged, row["fold"])


def core(directory: Path) -> Iterator[Passage]:
    """The passages of `train.json`, one judged pair each; its `undefined` and unmapped labels are none. Raises ArticleError."""
    path = directory / "train.json"
    try:
        for row in json.loads(path.read_text(encoding="utf-8")):
            yield _core_passage(row)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArticleError(str(path), f"not CORE's train.json: {type(error).__name__}: {error}") from error


def _core_passage(row: dict[str, Any]) -> Passage:
    text, offsets = _joined(row["context"])
    first = (offsets[row["e1_start"]][0], offsets[row["e1_end"]][1])
    second = (offsets[row["e2_start"]][0], offsets[row["e2_end"]][1])
    subject, object_ = (second, first) if row["invert_relation"] else (first, second)
    mapping = CORE.get(row["relation"], Mapping("", False, C, C))
    return Passage(f"core-{row['id']}", text, (_pair(mapping, subject, object_),), frozenset())


def _pair(mapping: Mapping, subject: Offsets, object_: Offsets) -> KnownPair:
    ends = (object_, subject) if mapping.inverse else (subject, object_)
    return KnownPair(*ends, mapping.relation, mapping.subject_type, mapping.object_type)


def _joined(tokens: list[str]) -> tuple[str, list[Offsets]]:
    """Tokens set as text, without a space before closing punctuation, with the offsets of each."""
    text, offsets = "", []
    for token in tokens:
        glued = token[:1] in ",.;:!?)%’'" or token.startswith("n't") or text.endswith(("(", "$", "“"))
        text += token if not text or glued else f" {token}"
        offsets.append((len(text) - len(token), len(text)))
    return text, offsets
