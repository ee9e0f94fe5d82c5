"""`aikg_qualifiers`: whether the text affirms or denies a claim, and whether it speaks of the present, a plan, a possibility or the past.

The words that decide stand between the claim's trigger and the top of its clause: "denied that it would buy" is read from "buy" upwards.
This is also the gate that every claim passes, whichever component made it: known relation, allowed types, known entities.
"""

import itertools
from dataclasses import replace

from spacy.language import Language
from spacy.tokens import Doc, Token

from ingest.components.claims import key
from ingest.components.grounds import is_excluded, is_inverted, is_unfounded
from ingest.model import Claim, Entity, Modality, Polarity, Schema, Span
from ingest.vocabulary import (
    COLLAPSE,
    DENIAL,
    DEPARTURE,
    DISMISSAL,
    ENDED,
    ENDING,
    EX,
    HARDLY,
    HEARSAY,
    PAST_ADVERBS,
    PAST_ROLES,
    PAST_TRIGGERS,
    PLAN,
    PLAN_MODIFIERS,
    POSSIBILITY,
    POSSIBLE_ADVERBS,
    POSSIBLE_AUXILIARIES,
    POSSIBLE_MODIFIERS,
    SPEECH,
    TOPICAL,
    UNDOING,
    UNTRUE,
    WISH,
    WRONGLY,
)

_CLIMB = frozenset({"xcomp", "ccomp", "dobj", "pobj", "pcomp", "prep", "attr", "acomp", "oprd", "dative", "conj", "agent"})
_DEFINITE = frozenset({"the", "this", "that", "these", "those"})
_GIVEN = frozenset({"how", "why", "when", "where"})
_BESIDE = frozenset({"conj", "appos", "compound"})
_DENIED = frozenset({"xcomp", "ccomp", "dobj", "pcomp", "prep"})
_PARTICLES = {  # with which a verb denies
    "back": ("out", "away"),
    "call": ("off",),
    "decide": ("against",),
    "pull": ("out",),
    "rule": ("out",),
    "turn": ("down",),
    "walk": ("away",),
}
_NOT = {"prep": ("without", "instead"), "advmod": ("short", "away"), "acomp": ("unable",)}  # words that deny by themselves, by label
_LAWFUL = frozenset({"regulates", "develops"})  # relations that hold of what is only to be done: "has to comply", "the right to build"
_STANDING = frozenset({"sues", "investigates"})  # what others think of the deed does not undo it: "refused to dismiss the suit"
_JUDGING = frozenset({"dismiss", "reject"})
_DENYING = frozenset({"opposes", "criticizes"})  # relations that a denial can state
_LABELLING = frozenset({"compound", "amod", "nmod", "poss", "appos"})


@Language.factory("aikg_qualifiers", requires=["doc._.claims", "doc._.entities", "token.dep"], assigns=["doc._.claims"])
def create(nlp: Language, name: str) -> "Qualifiers":
    """Runs after every component that makes claims."""
    return Qualifiers()


class Qualifiers:
    """Sets polarity and modality of `doc._.claims`, and drops the claims that the schema does not allow."""

    def __init__(self) -> None:
        self._schema = Schema({}, ())

    def use_schema(self, schema: Schema) -> None:
        """The relations that claims may state."""
        self._schema = schema

    def __call__(self, doc: Doc) -> Doc:
        claims = [claim for claim in doc._.claims if allowed(claim, doc._.entities, self._schema)]
        doc._.claims = tuple(qualified(doc, claim) for claim in claims)
        return doc


def allowed(claim: Claim, entities: dict[str, Entity], schema: Schema) -> bool:
    """Whether the relation is known, both entities are, they differ, and their types fit the relation on both sides."""
    relation = schema.relations.get(claim.relation)
    subject, object_ = entities.get(claim.subject), entities.get(claim.object)
    if relation is None or subject is None or object_ is None or claim.subject == claim.object:
        return False
    return subject.type in relation.domain and object_.type in relation.range


def qualified(doc: Doc, claim: Claim) -> Claim:
    """The claim with polarity and modality as its sentence gives them."""
    trigger = trigger_of(doc, claim)
    heads = arguments(doc, claim)
    chain = [trigger] if _is_granted(claim.relation, *heads) else clause_chain(trigger)
    negated = is_negated(claim.relation, trigger, chain) or any(map(is_excluded, heads))
    polarity = Polarity.NEGATED if negated else Polarity.AFFIRMED
    modality = modality_of(claim.relation, trigger, chain, heads)
    if modality is Modality.ACTUAL and (is_asked(trigger, chain) or is_inverted(chain[-1])):
        modality = Modality.POSSIBLE
    if modality is Modality.ACTUAL and not negated and len(chain) > 1 and claim.relation not in _LAWFUL and is_unfounded(*chain[:2]):
        modality = Modality.POSSIBLE
    return replace(claim, polarity=polarity, modality=modality)


def trigger_of(doc: Doc, claim: Claim) -> Token:
    """The word that states the claim: the component's own, else the lowest word above both arguments."""
    known: int = doc._.claim_triggers.get(key(claim), -1)
    if known >= 0:
        return doc[known]
    subject, object_ = arguments(doc, claim)
    if subject.sent != object_.sent:
        return object_
    above = {subject.i, *(token.i for token in subject.ancestors)}
    path = [object_, *object_.ancestors]
    lowest = next((number for number, token in enumerate(path) if token.i in above), 0)
    if lowest > 1 and _denies(path[lowest]) and claim.relation not in _DENYING and path[lowest - 1].dep_ in _DENIED:
        return path[lowest - 1]  # "A denied that it bought B" states what is denied
    return path[lowest]


def arguments(doc: Doc, claim: Claim) -> tuple[Token, Token]:
    """The head words of the two mentions."""
    return _root(doc, claim.subject_mention), _root(doc, claim.object_mention)


def _root(doc: Doc, mention: Span) -> Token:
    found = doc.char_span(mention.start_char, mention.end_char, alignment_mode="expand")
    if found is None:
        raise ValueError(f"mention {mention} is outside the text")
    return found.root


def clause_chain(trigger: Token) -> list[Token]:
    """The trigger and the words above it that share its clause, or of whose clause it is a complement."""
    chain, token = [trigger], trigger
    while token.head != token and len(chain) < 12:
        climbs = token.dep_ in _CLIMB or _is_complement(token)
        if token.dep_ in ("pcomp", "ccomp") and any(child.lower_ in _GIVEN for child in token.lefts):
            break  # "not happy with how X complies with Y" takes for granted that X does
        if token.dep_ == "conj" and any(child.dep_ in ("nsubj", "nsubjpass") for child in token.children):
            climbs = False
        if not climbs:
            break
        token = token.head
        chain.append(token)
    return chain


def _is_granted(relation: str, subject: Token, object_: Token) -> bool:
    """Whether the words beside a name say it, whatever the clause says: "will sell Google's Gemini", "may hire the Paris-based firm"."""
    possessor = relation == "develops" and subject.dep_ == "poss" and subject.head == object_
    place = relation == "basedIn" and object_.dep_ in _LABELLING and object_.head == subject
    return possessor or place


def _is_complement(clause: Token) -> bool:
    """Whether a clause is the content of the word above it: "plans to buy", "reports that it bought", "risks serving"."""
    if clause.dep_ not in ("acl", "advcl", "relcl"):
        return False
    if any(child.lower_ == "to" for child in clause.lefts):
        return True
    reported = clause.dep_ == "acl" and any(child.dep_ == "mark" and child.lower_ == "that" for child in clause.lefts)
    return reported or (clause.dep_ == "acl" and clause.head.lemma_ in POSSIBILITY)


def is_negated(relation: str, trigger: Token, chain: list[Token]) -> bool:
    """Whether a negation, a denial or a refusal stands over the trigger.

    A definite noun phrase under a verb of `TOPICAL` is taken for granted: "does not discuss the deal" does not deny that there is one.
    What is said of undoing a deed ("failed to block the deal") is not said of the deed.
    """
    stands = (
        relation in _STANDING and trigger.pos_ == "NOUN" and (_has_named_owner(trigger) or (len(chain) > 1 and chain[1].lemma_ in _JUDGING))
    )
    for position, token in enumerate(chain):
        below = chain[position - 1] if position else None
        if below is not None and token.lemma_ in UNDOING and below.dep_ == "dobj" and below.pos_ == "NOUN":
            return token.tag_ in ("VBD", "VBN") and not is_negated(relation, token, chain[position:])
        granted = token.lemma_ in TOPICAL and _is_definite(trigger)
        if not granted and _has_negation(token, below):
            return True
        resists = below is not None and token.lemma_ == "oppose" and below.dep_ == "dobj"  # who is against it does not undo it
        if below is not None and _denies(token) and below.dep_ in _DENIED and not stands and not resists:
            return True
        if below is not None and below.dep_ == "xcomp" and _is_yet_to(token):
            return True
        if token.lower_ in _NOT.get(token.dep_, ()):
            return True
    top = chain[-1]
    collapsed = top.dep_ in ("nsubj", "nsubjpass") and top.pos_ == "NOUN" and (top.head.lemma_ in COLLAPSE or _is_false(top.head))
    return collapsed or (trigger.pos_ == "NOUN" and any(child.lower_ in ("no", "never") for child in trigger.lefts))


def _is_yet_to(verb: Token) -> bool:
    """ "has yet to": what follows is not done."""
    return verb.lemma_ == "have" and any(child.lower_ == "yet" for child in verb.children)


def _has_named_owner(noun: Token) -> bool:
    return any(child.dep_ == "poss" and child.pos_ != "PRON" for child in noun.children)


def _is_definite(noun: Token) -> bool:
    determiners = (child.lower_ for child in noun.children if child.dep_ == "det")
    return noun.pos_ == "PROPN" or any(child.dep_ == "poss" for child in noun.children) or any(d in _DEFINITE for d in determiners)


def _has_negation(token: Token, below: Token | None) -> bool:
    if below is not None and token.lemma_ in SPEECH:
        if any(child.lower_ in WRONGLY for child in token.children):
            return True
        return any(child.dep_ == "neg" for child in token.children) and token.lemma_ in ("mean", "think", "believe", "expect")
    for child in token.children:
        if child.dep_ == "neg" and not (child.i + 1 < len(token.doc) and token.doc[child.i + 1].lower_ in ("only", "just", "merely")):
            return not any(other.lower_ in ("longer", "anymore") for other in token.children)
        if child.lower_ in HARDLY and child.dep_ == "advmod" and token.pos_ in ("VERB", "AUX"):
            return True
        if child.lower_ in ("never", "neither", "nor") and child.dep_ in ("advmod", "neg", "preconj", "cc"):
            return True
        if child.lower_ == "no" and child.dep_ == "det" and token.pos_ == "NOUN":
            return True
        if child.dep_ in ("nsubj", "nsubjpass") and child.lower_ in ("none", "nobody", "neither"):
            return True
    return False


def _is_false(verb: Token) -> bool:
    return verb.lemma_ == "be" and any(child.dep_ == "acomp" and child.lower_ in UNTRUE for child in verb.children)


def _denies(token: Token) -> bool:
    particles = _PARTICLES.get(token.lemma_)
    if particles:
        return any(child.lower_ in particles for child in token.children)
    return token.lemma_ in DENIAL


def is_asked(trigger: Token, chain: list[Token]) -> bool:
    """Whether the claim is asked rather than said: its clause is a question, or follows "whether" or "if"."""
    if trigger.dep_ in _LABELLING:
        return False  # "Did OpenAI CEO Sam Altman …?" takes the title for granted
    if any(child.lower_ in ("whether", "if", "unless") for token in chain for child in token.children if child.dep_ in ("mark", "advmod")):
        return True
    sentence = trigger.sent.text.rstrip().rstrip("\"'”’)")
    return sentence.endswith("?") and trigger.sent.root in chain


def modality_of(relation: str, trigger: Token, chain: list[Token], heads: tuple[Token, Token]) -> Modality:
    """The modality that the words nearest the trigger give; actual when none speaks."""
    if _is_past(relation, trigger, heads) or (relation in ENDED and _is_ended(chain)):
        return Modality.PAST
    for position, token in enumerate(chain):
        found = _cue(token, chain[position - 1] if position else None)
        if found is not None:
            return found
    top = chain[-1]
    if trigger.pos_ == "NOUN" and top.dep_ in ("nsubj", "nsubjpass") and any(child.lemma_ in ("will", "shall") for child in top.head.lefts):
        return Modality.PLANNED if top.head.lemma_ in ("close", "complete", "finalize", "go", "conclude") else Modality.ACTUAL
    return Modality.ACTUAL


def _is_ended(chain: list[Token]) -> bool:
    """ "ended its partnership", "quit using it", "withdrew its support"."""
    return any(token.lemma_ in ENDING and below.dep_ in ("dobj", "xcomp") for below, token in itertools.pairwise(chain))


def _cue(token: Token, below: Token | None) -> Modality | None:
    if below is not None and below.dep_ in ("xcomp", "ccomp", "acl", "pobj", "pcomp", "prep", "dobj", "advcl", "relcl"):
        if token.lower_ == "used" and below.dep_ == "xcomp" and any(child.lower_ == "to" for child in below.lefts):
            return Modality.PAST
        if token.pos_ == "NOUN" and token.lemma_ in HEARSAY and below.dep_ in ("acl", "relcl"):
            return Modality.POSSIBLE
        if token.lemma_ in POSSIBILITY or _talks(token):
            return Modality.POSSIBLE
        if token.lemma_ in SPEECH and any(child.dep_ == "neg" for child in token.children):
            return Modality.POSSIBLE  # "did not confirm the acquisition" says neither that it was nor that it was not
        if token.lemma_ in PLAN or (token.lemma_ in WISH and below.dep_ == "xcomp"):
            return Modality.PLANNED
    modifiers = [child for child in token.children if child.dep_ in ("aux", "advmod", "amod", "acomp")]
    lemmas = {child.lemma_.lower() for child in modifiers} | {child.lower_ for child in modifiers}
    if lemmas & POSSIBLE_AUXILIARIES or lemmas & (POSSIBLE_ADVERBS if token.pos_ in ("VERB", "AUX") else POSSIBLE_MODIFIERS):
        return Modality.POSSIBLE
    if lemmas & {"will", "'ll", "’ll", "shall"} or (lemmas & PLAN_MODIFIERS and token.pos_ == "NOUN"):
        return Modality.PLANNED
    if token.lower_ == "going" and below is not None and below.dep_ == "xcomp":
        return Modality.PLANNED
    return None


def _talks(token: Token) -> bool:
    return token.lemma_ in ("talk", "negotiation", "discussion") and token.pos_ == "NOUN"


def _is_past(relation: str, trigger: Token, heads: tuple[Token, Token]) -> bool:
    if trigger.lower_.startswith("ex-") or any(child.lower_ in ("longer", "anymore") for child in trigger.children):
        return True
    modifiers = {child.lower_ for child in trigger.children} | {child.lower_ for child in heads[0].children if child.i < heads[0].i}
    if relation in PAST_ROLES and (modifiers & EX or _ex_before(trigger)):
        return True
    if relation in PAST_ROLES and trigger.lemma_ in PAST_TRIGGERS:
        return True
    if relation in PAST_ROLES and _has_left(*heads):
        return True
    verb = trigger.head if trigger.dep_ in ("attr", "prep", "pobj") else trigger
    adverbs = {child.lower_ for child in verb.children if child.dep_ in ("advmod", "aux", "amod")}
    if adverbs & PAST_ADVERBS or (any(child.lower_ == "used" for child in verb.lefts) and verb.tag_ == "VB"):
        return True
    copula = relation in PAST_ROLES and trigger.dep_ == "attr" and trigger.head.lower_ in ("was", "were")
    worked = relation in PAST_ROLES and trigger.lemma_ in ("work", "serve", "run", "head") and trigger.tag_ == "VBD"
    return copula or worked


def _has_left(person: Token, place: Token) -> bool:
    """Whether the person is said to have left: "the firm's designer, X, resigned in May"; "left Y for Z" says so of Y alone."""
    while person.dep_ in _BESIDE and person.head != person:
        person = person.head
    verbs = [child for child in person.children if child.dep_ == "relcl"]
    if person.dep_ in ("nsubj", "nsubjpass"):
        verbs += [person.head, *person.head.conjuncts]
    return any(_is_departure(verb, person) and _left(verb) in (None, place) for verb in verbs)


def _is_departure(verb: Token, person: Token) -> bool:
    passive = person.dep_ == "nsubjpass" or any(child.dep_ == "nsubjpass" for child in verb.children)
    if verb.lemma_ == "step":
        return verb.tag_ in ("VBD", "VBN") and any(child.lower_ in ("down", "aside") for child in verb.children)
    return verb.tag_ in ("VBD", "VBN") and verb.lemma_ in (DISMISSAL if passive else DEPARTURE)


def _left(verb: Token) -> Token | None:
    """What the verb says was left."""
    return next((child for child in verb.children if child.dep_ == "dobj"), None)


def _ex_before(trigger: Token) -> bool:
    """ "former Google cloud software engineer": the parser may hang "former" on any word of the title."""
    start = max(trigger.i - 6, trigger.sent.start)
    for token in reversed(trigger.doc[start : trigger.i]):
        if token.lower_ in EX:
            return True
        if token.pos_ not in ("NOUN", "PROPN", "ADJ", "CCONJ", "PART") and token.text not in ("-", "&"):
            return False
    return False
