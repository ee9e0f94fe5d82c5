"""`aikg_mends`: puts right in lemmas and parse what the base pipeline often gets wrong in news."""

import numpy as np
from spacy.language import Language
from spacy.strings import get_string_id
from spacy.tokens import Doc, Token

LEMMAS = {  # verbs that the rule lemmatizer cuts wrongly
    **dict.fromkeys(("fined", "fining"), "fine"),
    **dict.fromkeys(("cofounded", "cofounding"), "cofound"),
    **dict.fromkeys(("installed", "installing"), "install"),
    **dict.fromkeys(("preloaded", "preloading"), "preload"),
    **dict.fromkeys(("reinvested", "reinvesting"), "reinvest"),
    **dict.fromkeys(("scraped", "scraping"), "scrape"),
}
_CUT = np.array(sorted(map(get_string_id, LEMMAS)), dtype=np.uint64)
_FINITE = frozenset({"VBD", "VBP", "VBZ"})
_NAMES = frozenset({"NOUN", "PROPN"})
_CONJ, _ROOT, _PLURAL = map(get_string_id, ("conj", "ROOT", "NNS"))


@Language.factory(
    "aikg_mends",
    requires=["token.dep", "token.head", "token.pos", "token.lemma"],
    assigns=["token.dep", "token.head", "token.pos", "token.lemma"],
)
def create(nlp: Language, name: str) -> "Mends":
    """Runs right after the base pipeline."""
    return Mends()


class Mends:
    """Changes lemmas, labels and heads; never where a sentence ends."""

    def __call__(self, doc: Doc) -> Doc:
        lower, tag, dep = (doc.to_array(name) for name in ("LOWER", "TAG", "DEP"))
        for i in np.flatnonzero(np.isin(lower, _CUT)).tolist():
            doc[i].lemma_ = LEMMAS[doc[i].lower_]
        for i in np.flatnonzero((dep == _ROOT) & (tag == _PLURAL)).tolist():
            _noun_for_verb(doc[i])
        for i in np.flatnonzero(dep[:-1] == _CONJ).tolist():
            if doc[i].pos_ in _NAMES:
                _object_for_subject(doc[i], doc[i + 1])
                _gap(doc[i], doc[i + 1])
        return doc


def _noun_for_verb(root: Token) -> None:
    """ "The Act risks serving …" is a clause, where the tagger took the verb for a plural noun."""
    left = [child for child in root.lefts if child.dep_ in ("compound", "nmod", "amod") and child.i == root.i - 1]
    clause = [child for child in root.rights if child.dep_ == "acl" and (child.i == root.i + 1 or root.nbor().lower_ == "to")]
    if left and clause and not any(child.dep_ in ("det", "poss", "nsubj") for child in root.children):
        root.pos_, left[0].dep_, clause[0].dep_ = "VERB", "nsubj", "xcomp"


def _object_for_subject(name: Token, verb: Token) -> None:
    """ "A sued B and C sued D": C, right before a verb without a subject, is its subject and not what A sued."""
    is_clause = verb.pos_ == "VERB" and verb.tag_ in _FINITE and verb.dep_ == "conj" and verb.head.i < name.i
    if is_clause and verb.sent == name.sent and not any(child.dep_ in ("nsubj", "nsubjpass") for child in verb.children):
        name.head, name.dep_ = verb, "nsubj"


def _gap(name: Token, preposition: Token) -> None:
    """ "A invested in B and C in D" says nothing of A and C, nor of A and D; what it says of C and D is left out."""
    first = name.head.head
    repeated = preposition.dep_ == "prep" and first.dep_ == "prep" and first.lower_ == preposition.lower_
    if repeated and name.head.dep_ == "pobj" and first.head == preposition.head:
        name.dep_ = preposition.dep_ = "dep"
