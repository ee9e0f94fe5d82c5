"""`aikg_coreference`: descriptions and pronouns get the entity they stand for, where that is clear; otherwise they stay out."""

from collections.abc import Iterator, Mapping

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup, Token

from ingest.components import MENTIONS
from ingest.components.antecedents import History, best
from ingest.components.linking import described
from ingest.components.nouns import noun
from ingest.lexicon import words
from ingest.model import EntityType, KnownEntity, MentionKind, Schema

_ORGANISATIONS = frozenset({"Company", "PublicBody", "Organization", "ResearchOrganization", "Government"})
_REFER = {
    "refer_company": frozenset({"Company"}),
    "refer_research": frozenset({"ResearchOrganization"}),
    "refer_organization": frozenset({"Organization", "Company", "ResearchOrganization"}),
    "refer_public_body": frozenset({"PublicBody"}),
    "refer_government": frozenset({"Government"}),
    "refer_person": frozenset({"Person"}),
    "refer_product": frozenset({"Product", "AIModel"}),
    "refer_regulation": frozenset({"Regulation"}),
}
_PRONOUNS = {
    **dict.fromkeys(("he", "she", "him", "his", "her"), frozenset({"Person"})),
    **dict.fromkeys(("it", "its", "itself"), _ORGANISATIONS | {"Product", "AIModel", "Regulation"}),
}
_NOUN_ROLES = frozenset({"nsubj", "nsubjpass", "dobj", "pobj", "conj"})
_DEFINITE = frozenset({"the", "this", "that"})
_GROUPS = {"company": "Company", "firm": "Company", "giant": "Company", "rival": "Company", "startup": "Company", "chipmaker": "Company"}
_SENATE, _HOUSE = "United_States_Senate", "United_States_House_of_Representatives"
_SEATS = {
    "Sen.": _SENATE,
    "Sens.": _SENATE,
    "Senator": _SENATE,
    "Rep.": _HOUSE,
    "Reps.": _HOUSE,
    "Congressman": _HOUSE,
    "Congresswoman": _HOUSE,
}
_CONGRESS = frozenset({_SENATE, _HOUSE, "United_States_Congress"})
_PLEONASTIC = frozenset({"be", "seem", "appear", "turn", "happen", "mean", "take", "make", "matter", "remain", "become"})


@Language.factory("aikg_coreference", requires=["doc.spans", "token.dep"], assigns=["doc.spans"])
def create(nlp: Language, name: str) -> "Coreference":
    """Runs after `aikg_linking` and the parser."""
    return Coreference()


class Coreference:
    """Adds mentions of kind `nominal` and `pronoun` to `doc.spans["mentions"]`; what it is unsure of stays out."""

    def __init__(self) -> None:
        self._countries: dict[str, str] = {}
        self._nations: dict[str, str] = {}
        self._known: dict[str, KnownEntity] = {}

    def use_schema(self, schema: Schema) -> None:
        """The known entities, with their countries: "the French company" is one of France."""
        self._known = {entity.id: entity for entity in schema.known_entities}
        self._countries = {
            entity.id: entity.country for entity in schema.known_entities if entity.country and entity.type is not EntityType.PLACE
        }
        self._nations = {
            entity.id: entity.country for entity in schema.known_entities if entity.country and entity.type is EntityType.PLACE
        }

    def __call__(self, doc: Doc) -> Doc:
        mentions = list(doc.spans[MENTIONS])
        found = list(self._resolved(doc, mentions))
        both = sorted(mentions + found, key=lambda span: (span.start, span.end, span.kb_id_))
        doc.spans[MENTIONS] = SpanGroup(doc, name=MENTIONS, spans=both)
        doc._.entities |= described([span for span in found if span.kb_id_ not in doc._.entities], self._known, {})
        return doc

    def _resolved(self, doc: Doc, mentions: list[Span]) -> Iterator[Span]:
        history = _history(doc, mentions)
        named = {i: span for span in mentions for i in range(span.start, span.end)}
        waiting = iter([*mentions, None])
        following = next(waiting)
        for token in doc:
            while following is not None and following.start <= token.i:
                history.add(following)
                following = next(waiting)
            if token.i in named and named[token.i].id_ != MentionKind.ADJECTIVE.value:
                continue
            for span in self._reference(history, token, named):
                history.add(span)
                yield span

    def _reference(self, history: History, token: Token, named: dict[int, Span]) -> list[Span]:
        lower = token.lower_
        if lower in _PRONOUNS and token.text != "IT":
            return _pronoun(history, token)
        if token.text in _SEATS:
            return self._seat(history, token, named)
        word = noun(token)
        if word in words("roles_of_a_firm") and _is_unowned(token, named):
            return _owner(history, token)
        if word in _nouns() and token.tag_ in ("NN", "NNP", "RP") and not lower.endswith("s"):
            return self._description(history, token, named)
        if lower == "two" and token.dep_ in _NOUN_ROLES and token.i > 0 and token.nbor(-1).lower_ == "the":
            return _members(history, token.i - 1, token.i + 1, _listed(history, token.i - 1, "Company"))
        if word in _GROUPS and token.tag_ == "NNS":
            found = _group(history, token)
            if found:
                return found
        return []

    def _seat(self, history: History, title: Token, named: dict[int, Span]) -> list[Span]:
        """The chamber that a title before a person's name belongs to; the long titles only where the Congress is spoken of."""
        chamber, person = self._known.get(_SEATS[title.text]), named.get(title.i + 1)
        if (
            chamber is None
            or person is None
            or person.label_ != EntityType.PERSON
            or not (title.text.endswith(".") or _CONGRESS & set(history.doc._.entities))
        ):
            return []
        return [Span(history.doc, title.i, title.i + 1, label=chamber.type.value, kb_id=chamber.id, span_id=MentionKind.NOMINAL.value)]

    def _description(self, history: History, head: Token, named: dict[int, Span]) -> list[Span]:
        left = list(head.lefts)
        determiner = next((child for child in (*left, head.left_edge) if child.lower_ in _DEFINITE), None)
        if determiner is None or not _is_plain(head, named):
            return []
        nations = {self._nations.get(named[i].kb_id_, "") for i in range(determiner.i, head.i) if i in named and named[i].label_ == "Place"}
        here = nations - {""}
        allowed = {entity for entity in history.counts if self._countries.get(entity) in here} if here else set()
        if here and not allowed:  # a firm of which no country is known
            allowed = {entity for entity in history.counts if entity not in self._known}
        if here and not allowed:
            return []
        antecedent = _namesake(history, head) or best(history, head, determiner.i, allowed, _nouns()[noun(head)])
        return [_mention(history.doc, determiner.i, head.i + 1, antecedent, MentionKind.NOMINAL)] if antecedent is not None else []


def _is_unowned(role: Token, named: dict[int, Span]) -> bool:
    """Whether a role stands beside a person or as a subject without saying whose: "CEO Emad Mostaque", "investors include Felicis"."""
    head = role.head
    if role.text == "President" and role.i + 1 in named:
        return False  # a head of state's title
    beside = head.i in named and named[head.i].label_ == EntityType.PERSON and role.dep_ in ("compound", "nmod", "appos")
    beside = beside or any(child.dep_ == "appos" and child.i in named for child in role.children)
    if not beside and not (role.tag_ == "NNS" and role.dep_ in ("nsubj", "pobj") and role.head.lemma_ in ("include", "as", "be", "like")):
        return False
    inside = {role.i, *(child.i for child in role.children), *(child.i for child in head.lefts if beside and child.i < role.i)}
    owned = any(i in named and named[i].label_ in _ORGANISATIONS for i in inside)
    of = any(child.dep_ in ("poss", "relcl") or child.lower_ in ("of", "at", "for", "to", "in") for child in role.children)
    before = role.i > 0 and role.doc[role.i - 1].i in named and named[role.i - 1].label_ in _ORGANISATIONS
    return not (owned or of or before or any(child.dep_ == "poss" for child in head.lefts))


def _owner(history: History, role: Token) -> list[Span]:
    antecedent = best(history, role, role.i, (), _ORGANISATIONS)
    return [_mention(history.doc, role.i, role.i + 1, antecedent, MentionKind.NOMINAL)] if antecedent is not None else []


def _namesake(history: History, head: Token) -> Span | None:
    """The one entity whose name ends in the noun: "the foundation" after "the Linux Foundation"."""
    found = {span.kb_id_: span for span in history.mentions if _last_word(span) == head.lower_}
    return next(iter(found.values())) if len(found) == 1 else None


def _last_word(span: Span) -> str:
    return span.root.lower_ if len(span) > 1 and span.id_ == MentionKind.NAME.value and span.label_ in _ORGANISATIONS else ""


def _history(doc: Doc, mentions: list[Span]) -> History:
    sentence_of: list[int] = []
    for number, sentence in enumerate(doc.sents):
        sentence_of += [number] * len(sentence)
    return History(doc, sentence_of, frozenset(span.kb_id_ for span in mentions if sentence_of[span.start] <= 1))


def _nouns() -> dict[str, frozenset[str]]:
    if not _NOUNS:
        for table, kinds in _REFER.items():
            for noun in words(table):
                _NOUNS[noun] = _NOUNS.get(noun, frozenset()) | kinds
    return _NOUNS


_NOUNS: dict[str, frozenset[str]] = {}


def _is_plain(head: Token, named: dict[int, Span]) -> bool:
    """Whether nothing singles out another thing of the kind: no relative clause, no "of", only harmless words before the noun."""
    if head.dep_ in ("compound", "amod", "nmod") and head.head.i > head.i:
        return False
    if any(
        child.dep_ in ("relcl", "acl") or (child.dep_ == "prep" and child.lower_ in ("of", "behind", "for", "with"))
        for child in head.rights
    ):
        return False
    for child in head.lefts:
        if child.dep_ in ("det", "punct") or child.lower_ in words("refer_modifiers") or child.i in named or child.tag_ == "POS":
            continue
        if child.lower_ == "based" and all(token.i in named or token.is_punct or token is child for token in child.subtree):
            continue  # "the Paris-based company"
        if child.dep_ == "compound" and child.lemma_.lower() in words("refer_modifiers"):
            continue
        return False
    return True


def _pronoun(history: History, token: Token) -> list[Span]:
    if token.lower_ == "it" and _is_pleonastic(token):
        return []
    antecedent = best(history, token, token.i, (), _PRONOUNS[token.lower_])
    return [_mention(history.doc, token.i, token.i + 1, antecedent, MentionKind.PRONOUN)] if antecedent is not None else []


def _is_pleonastic(token: Token) -> bool:
    """ "It is clear that", "it takes": the pronoun stands for a clause or for nothing."""
    verb = token.head
    if token.dep_ == "expl":
        return True
    clausal = any(child.dep_ in ("ccomp", "xcomp", "acomp", "advcl", "csubj") or _takes_clause(child) for child in verb.children)
    return token.dep_ in ("nsubj", "nsubjpass") and verb.lemma_ in _PLEONASTIC and (clausal or verb.lemma_ != "be")


def _takes_clause(noun: Token) -> bool:
    """ "… not a good idea to regulate": what is said of the clause behind it."""
    clauses = (child for child in noun.rights if child.dep_ in ("acl", "relcl") and child.tag_ == "VB")
    return noun.dep_ == "attr" and any(child.lower_ == "to" for clause in clauses for child in clause.lefts)


def _group(history: History, head: Token) -> list[Span]:
    """ "Both companies": two mentions on one span, when the nearest sentence with companies has just two."""
    left = {child.lower_ for child in head.lefts if child.dep_ != "compound"}
    kind = _GROUPS[noun(head)]
    if not _is_plain_pair(head) or left - {"both", "two", "the", "these", "those"}:
        return []
    start = min(child.i for child in head.lefts) if left else head.i
    if left & {"these", "those"} or left == {"the"}:
        listed = _listed(history, start, kind)
        return _members(history, start, head.i + 1, listed)
    if not left & {"both", "two"}:
        return []
    here = history.sentence_of[head.i]
    for distance in range(3):
        near = {
            span.kb_id_: span for span in history.mentions if span.label_ == kind and here - history.sentence_of[span.start] <= distance
        }
        if len(near) == 2:
            return _members(history, start, head.i + 1, near)
        if len(near) > 2:
            return []
    return []


def _members(history: History, start: int, end: int, members: Mapping[str, Span]) -> list[Span]:
    """One mention a member, all on the same tokens."""
    return [_mention(history.doc, start, end, span, MentionKind.NOMINAL) for _, span in sorted(members.items())]


def _listed(history: History, start: int, kind: str) -> dict[str, Span]:
    """The nearest list of two or more names of the kind, in this sentence or the one before."""
    here = history.sentence_of[start]
    near = [span for span in history.mentions if span.label_ == kind and span.end <= start and here - history.sentence_of[span.start] <= 1]
    last = next((span.root for span in reversed(near) if span.root.dep_ == "conj"), None)
    if last is None:
        return {}
    tokens = {last.i}
    while last.dep_ == "conj":
        last = last.head
        tokens.add(last.i)
    listed = {span.kb_id_: span for span in near if span.root.i in tokens}
    unnamed = {i for i in tokens if history.doc[i].lower_ == "others" or any(child.lower_ == "other" for child in history.doc[i].children)}
    return listed if len(listed) > 1 and len(listed) == len(tokens - unnamed) else {}


def _is_plain_pair(head: Token) -> bool:
    return not any(child.dep_ in ("relcl", "acl") or (child.dep_ == "prep" and child.lower_ == "of") for child in head.rights)


def _mention(doc: Doc, start: int, end: int, antecedent: Span, kind: MentionKind) -> Span:
    return Span(doc, start, end, label=EntityType(antecedent.label_).value, kb_id=antecedent.kb_id_, span_id=kind.value)
