"""What a clause stands on: whether the words around it let it be read as a fact.

Most verbs above a "to" or "that" clause say nothing about whether it is so ("is poised to buy", "doubts that it bought"), and no list of
them is ever complete, so a fact is only what stands under one of the few that imply it (Karttunen 1971: implicative and factive verbs).
"""

from spacy.tokens import Token

from ingest.vocabulary import FACTIVE, IMPLICATIVE, ORDINAL, SPEECH

_INVERTED = frozenset({"had", "should", "were"})
_EXCLUDING = (("not",), ("rather", "than"), ("instead", "of"))


def is_unfounded(trigger: Token, above: Token) -> bool:
    """Whether a trigger verb's clause is the complement of a word that does not say that it is so."""
    if trigger.pos_ != "VERB":
        return False
    if trigger.tag_ == "VB" and trigger.dep_ in ("xcomp", "ccomp", "acl", "relcl") and any(child.lower_ == "to" for child in trigger.lefts):
        first = trigger.dep_ in ("acl", "relcl") and any(child.lower_ in ORDINAL for child in above.children)  # "the first firm to fine X"
        return above.lemma_ not in IMPLICATIVE and not first
    passive = any(child.dep_ == "auxpass" for child in above.children)
    before = trigger.dep_ == "ccomp" and above.i < trigger.i  # the parser makes one of "A sued; B fined", too
    return before and not passive and above.lemma_ not in SPEECH and above.lemma_ not in FACTIVE and above.lemma_ not in IMPLICATIVE


def is_inverted(verb: Token) -> bool:
    """Whether the clause is a condition by its word order: "Had Google bought it, …", "Should Nvidia acquire Arm, …"."""
    subject = next((child for child in verb.children if child.dep_ in ("nsubj", "nsubjpass")), None)
    if subject is None:
        return False
    helpers = (child for child in verb.children if child.dep_ in ("aux", "auxpass") and child.lower_ in _INVERTED)
    return any(helper.i == verb.left_edge.i and helper.i < subject.left_edge.i for helper in helpers)


def is_excluded(name: Token) -> bool:
    """Whether a name is put beside others as the one that is not meant: "A, not B", "A rather than B"."""
    edge = name.left_edge
    if any(child.dep_ == "neg" for child in name.lefts):
        return True
    words = [token.lower_ for token in name.doc[max(0, edge.i - 2) : edge.i]]
    return any(tuple(words[-len(excluding) :]) == excluding for excluding in _EXCLUDING)
