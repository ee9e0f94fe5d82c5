"""The dependency tree of one sentence as plain lists, and the argument slots around a trigger word.

Labels are those of spaCy's English models (ClearNLP style). All indices are token indices into the document.
"""

from collections.abc import Iterator

from ingest.forms import Forms
from ingest.vocabulary import words

RELATIVE = frozenset({"which", "who", "that", "whom"})
EXAMPLES = frozenset({"as", "like", "including", "namely", "especially"})
OBJECT_CONTROL = words("""
    allow ask cause compel enable encourage force help invite lead let make order permit persuade pressure push require urge want
""")
NAMING = frozenset({"called", "named", "dubbed", "codenamed"})
MONEY = frozenset({"euro", "euros", "dollar", "dollars", "pounds", "yen", "yuan", "won", "million", "billion"})
OF_LIKE = frozenset({"of", "at", "from", "in", "for", "by", "behind"})
_VERBAL = frozenset({"VERB", "AUX"})
_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
_MODIFIERS = frozenset({"compound", "amod", "nmod", "npadvmod"})


class Tree:
    """One sentence: for document token `i`, `lemma[i - start]` and so on; `children[i - start]` are document indices in text order."""

    __slots__ = ("_cache", "_complements", "children", "dep", "end", "head", "lemma", "lower", "pos", "start", "tag")

    def __init__(self, forms: Forms, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.lower, self.lemma = forms.lower[start:end], forms.lemma[start:end]
        self.pos, self.tag, self.dep = forms.pos[start:end], forms.tag[start:end], forms.dep[start:end]
        self.head = forms.head[start:end]
        self.children: list[list[int]] = [[] for _ in self.head]
        for i, head in enumerate(self.head, self.start):
            if head != i and self.start <= head < self.end:
                self.children[head - self.start].append(i)
        self._cache: dict[tuple[int, str], list[int]] = {}
        self._complements: dict[int, dict[str, list[int]]] = {}

    def kids(self, i: int, *deps: str) -> list[int]:
        """Children of `i` with one of these labels, in text order."""
        children = self.children[i - self.start]
        return [child for child in children if self.dep[child - self.start] in deps] if children else []

    def is_verb(self, i: int) -> bool:
        return self.pos[i - self.start] in _VERBAL

    def governor(self, i: int) -> int:
        """The head of `i`, or -1 at the root."""
        head = self.head[i - self.start]
        return -1 if head == i or not self.start <= head < self.end else head

    def slot(self, i: int, name: str) -> list[int]:
        """Tokens that fill slot `name` of the trigger `i`; the slots are described in `patterns/frames.toml`."""
        key = (i, name)
        if key not in self._cache:
            found = _SLOTS[name](self, i, name) if name in _SLOTS else self.complements(i).get(name, ())
            self._cache[key] = list(dict.fromkeys(found))
        return self._cache[key]

    def complements(self, i: int) -> dict[str, list[int]]:
        """By preposition: its complements on the trigger `i`, on its object, or (for a noun) on the verb it belongs to."""
        if i not in self._complements:
            self._complements[i] = _complements(self, i)
        return self._complements[i]


def expand(tree: Tree, i: int, *, alone: bool = False) -> Iterator[tuple[int, int]]:
    """The tokens that a slot filler stands for, with their distance from it; `alone`: without its conjuncts.

    0: the filler, its conjuncts, appositions and examples ("rivals such as X"); 1: possessors, modifiers and complements of these
    ("Apple's plan" for Apple).
    """
    direct = _coordinated(tree, i, alone=alone)
    yield from ((token, 0) for token in direct)
    for token in direct:
        for child in tree.children[token - tree.start]:
            dep = tree.dep[child - tree.start]
            if dep == "poss" or dep in _MODIFIERS:
                yield from ((other, 1) for other in _coordinated(tree, child))
            elif dep == "prep" and tree.lower[child - tree.start] in OF_LIKE:
                for complement in tree.kids(child, "pobj"):
                    yield from ((other, 1) for other in _coordinated(tree, complement))


def _coordinated(tree: Tree, i: int, *, alone: bool = False) -> list[int]:
    found, queue = [i], [i]
    while queue:
        token = queue.pop()
        more = tree.kids(token, "appos") if alone else tree.kids(token, "conj", "appos")
        more += [x for prep in tree.kids(token, "prep") if tree.lower[prep - tree.start] in EXAMPLES for x in tree.kids(prep, "pobj")]
        more += [x for name in tree.kids(token, "acl") if tree.lower[name - tree.start] in NAMING for x in tree.kids(name, "oprd", "dobj")]
        fresh = [x for x in more if x not in found and not (_is_owned(tree, i) and _has_own(tree, x))]
        found += fresh
        queue += fresh
    return found


def _has_own(tree: Tree, i: int) -> bool:
    """Whether a conjunct has a possessor of its own: in "A's X and B's Y", Y is not A's."""
    return tree.dep[i - tree.start] == "conj" and _is_owned(tree, i)


def _is_owned(tree: Tree, noun: int) -> bool:
    """Whether a possessor is named; a pronoun is most often the subject of the clause."""
    return any(tree.pos[x - tree.start] != "PRON" for x in tree.kids(noun, "poss"))


def is_title(tree: Tree, noun: int, name: int) -> bool:
    """Whether a singular noun stands before a name: in "X chief A and Y chief B", B is no chief of X."""
    before = tree.dep[noun - tree.start] in _MODIFIERS and tree.governor(noun) == name and noun < name
    return before and tree.tag[noun - tree.start] in ("NN", "NNP")


def _relative(tree: Tree, i: int, clause: int) -> int:
    """What a relative pronoun `i` of the clause headed by `clause` stands for; other tokens stand for themselves."""
    if tree.lower[i - tree.start] not in RELATIVE or tree.pos[i - tree.start] not in ("PRON", "DET", "SCONJ"):
        return i
    while clause >= 0 and tree.dep[clause - tree.start] in ("conj", "xcomp", "ccomp"):
        clause = tree.governor(clause)
    noun = tree.governor(clause) if clause >= 0 else -1
    if noun < 0 or tree.dep[clause - tree.start] != "relcl":
        return i
    described = tree.dep[noun - tree.start] == "appos" and tree.pos[noun - tree.start] == "NOUN"  # "Lumo, a chatbot that …"
    return tree.governor(noun) if described else noun


def _surface_subjects(tree: Tree, i: int) -> list[int]:
    return [_relative(tree, child, i) for child in tree.kids(i, *_SUBJECTS)]


def _agents(tree: Tree, i: int) -> list[int]:
    return [x for by in tree.kids(i, "agent") for x in tree.kids(by, "pobj")]


def is_passive(tree: Tree, i: int) -> bool:
    """Whether verb `i` is a passive: by its auxiliary, or as a past participle that modifies a noun."""
    if tree.kids(i, "auxpass", "nsubjpass", "agent"):
        return True
    return tree.tag[i - tree.start] == "VBN" and tree.dep[i - tree.start] in ("acl", "amod") and not tree.kids(i, "aux")


def _subject(tree: Tree, i: int, _name: str = "subj", depth: int = 0) -> list[int]:
    if not tree.is_verb(i) and not tree.kids(i, "nsubj"):
        return [] if _is_owned(tree, i) else _governing_subject(tree, i, depth)
    if is_passive(tree, i):
        return _agents(tree, i)
    return _surface_subjects(tree, i) or (_inherited_subject(tree, i, depth + 1) if depth < 6 else [])


def _any_subject(tree: Tree, i: int, depth: int) -> list[int]:
    """The surface subject of `i`, own or inherited."""
    return _surface_subjects(tree, i) or (_inherited_subject(tree, i, depth + 1) if depth < 6 else [])


def _inherited_subject(tree: Tree, i: int, depth: int) -> list[int]:
    dep, head = tree.dep[i - tree.start], tree.governor(i)
    if head < 0:
        return []
    if dep == "xcomp" and tree.lemma[head - tree.start] in OBJECT_CONTROL:
        controlled = tree.kids(head, "dobj")
        if controlled:
            return controlled
    if dep in ("acl", "relcl", "amod"):
        if tree.tag[i - tree.start] == "VB":  # "its plan to buy": whoever holds the plan
            return tree.kids(head, "poss") or _governing_subject(tree, head, depth)
        return [head]
    if dep == "advcl" and tree.tag[i - tree.start] == "VBG" and tree.dep[head - tree.start] in ("acl", "relcl"):
        return _noun_before_comma(tree, i) or _any_subject(tree, head, depth)
    if dep in ("pcomp", "prep"):
        return _inherited_subject(tree, head, depth + 1) if depth < 6 else []
    if tree.is_verb(head):
        return _any_subject(tree, head, depth)
    return tree.kids(head, "poss") or _governing_subject(tree, head, depth)


def _noun_before_comma(tree: Tree, i: int) -> list[int]:
    """ "… objections from the two governments, defending …": who stands right before the comma."""
    if i - 2 >= tree.start and tree.lower[i - 1 - tree.start] == "," and tree.pos[i - 2 - tree.start] in ("NOUN", "PROPN"):
        return [i - 2]
    return []


def governing_verb(tree: Tree, i: int) -> int:
    """The verb that the noun phrase headed by `i` is an argument of, directly or through one preposition, or -1."""
    seen = 0
    while i >= 0 and seen < 5:
        dep, head = tree.dep[i - tree.start], tree.governor(i)
        if head < 0:
            return -1
        if tree.is_verb(head) and dep not in ("relcl", "acl", "advcl", "ccomp", "xcomp"):
            return head
        if dep not in ("dobj", "pobj", "attr", "oprd", "prep", "conj", "compound", "appos", "nsubjpass", "dative", "npadvmod"):
            return -1
        i, seen = head, seen + 1
    return -1


def _governing_subject(tree: Tree, i: int, depth: int) -> list[int]:
    if tree.dep[i - tree.start] == "nsubj":
        return []
    verb = governing_verb(tree, i)
    if verb < 0 or depth > 6:
        return []
    return [x for x in _subject(tree, verb, depth=depth + 1) if x != i]


def _object(tree: Tree, i: int, _name: str = "obj") -> list[int]:
    if not tree.is_verb(i):
        verb = governing_verb(tree, i)
        return [x for x in _object(tree, verb) if x != i] if verb >= 0 else []
    found = [_relative(tree, x, i) for child in tree.kids(i, "dobj", "nsubjpass", "oprd") for x in _behind_money(tree, child)]
    dep, head = tree.dep[i - tree.start], tree.governor(i)
    if found or head < 0:
        return found
    if is_passive(tree, i):
        if dep in ("acl", "amod"):
            return [head]
        return _any_subject(tree, i, 1)
    if dep == "relcl" and tree.kids(i, "nsubj") and not any(tree.lower[x - tree.start] in RELATIVE for x in tree.kids(i, "nsubj")):
        return [head]  # "the chips Nvidia makes"
    if dep == "conj" and tree.is_verb(head) and head < i:
        return []
    return []


def _behind_money(tree: Tree, i: int) -> list[int]:
    """ "fined Clearview AI 20 million euros": the parser takes the euros for the object and the firm for their modifier."""
    named = (
        [x for x in tree.kids(i, "nmod", "compound") if tree.pos[x - tree.start] == "PROPN"] if tree.lower[i - tree.start] in MONEY else []
    )
    return named or [i]


def _indirect(tree: Tree, i: int, _name: str = "iobj") -> list[int]:
    return tree.kids(i, "dative")


def _possessor(tree: Tree, i: int, _name: str = "poss") -> list[int]:
    found = tree.kids(i, "poss")
    head = tree.governor(i)
    if tree.dep[i - tree.start] in _MODIFIERS and head > i:  # "Tesla's CEO Elon Musk": the parser hangs Tesla on Musk
        found = found + [x for x in tree.kids(head, "poss") if x < i]
    return [_whose(tree, x, i) for x in found]


def _whose(tree: Tree, i: int, noun: int) -> int:
    if tree.lower[i - tree.start] != "whose":
        return i
    clause = governing_verb(tree, noun)
    clause = tree.governor(noun) if clause < 0 else clause
    return tree.governor(clause) if clause >= 0 and tree.dep[clause - tree.start] == "relcl" else i


def _modifiers(tree: Tree, i: int, _name: str = "mod") -> list[int]:
    found = [child for child in tree.kids(i, *_MODIFIERS) if child < i]
    head = tree.governor(i)
    if tree.dep[i - tree.start] in _MODIFIERS and head > i:  # "OpenAI CEO Sam Altman": both hang on Altman
        found += [x for x in tree.kids(head, *_MODIFIERS) if x < i and x >= i - 5]
    return found


def _described(tree: Tree, i: int, _name: str = "is") -> list[int]:
    """Who the noun `i` describes."""
    found = tree.kids(i, "appos")
    found += [x for prep in tree.kids(i, "prep") if tree.lower[prep - tree.start] in EXAMPLES for x in tree.kids(prep, "pobj")]
    base = _first_conjunct(tree, i)
    dep, head = tree.dep[base - tree.start], tree.governor(base)
    if head < 0:
        return found + tree.kids(base, "nsubj")
    if dep in ("appos", "nmod") or (dep in _MODIFIERS and head > base):
        found.append(head)
    elif dep in ("attr", "oprd", "acomp") or (dep == "dobj" and tree.lemma[head - tree.start] in ("become", "remain", "name", "appoint")):
        found += _any_subject(tree, head, 0)
        found += tree.kids(head, "dobj") if dep == "oprd" else []
    elif dep == "pobj" and tree.lower[head - tree.start] == "as":
        verb = tree.governor(head)
        if verb >= 0 and tree.is_verb(verb):
            found += tree.kids(verb, "dobj") or _any_subject(tree, verb, 0)
    if tree.kids(i, "nsubj"):
        found += _surface_subjects(tree, i)
    return [x for x in found if x != i]


def _first_conjunct(tree: Tree, i: int) -> int:
    while tree.dep[i - tree.start] == "conj" and tree.governor(i) >= 0:
        i = tree.governor(i)
    return i


def _head(tree: Tree, i: int, _name: str = "head") -> list[int]:
    """The noun that `i` modifies, and who that noun describes ("Paris-based startup Dust")."""
    head = tree.governor(i)
    if head < 0 or tree.dep[i - tree.start] not in ("amod", "acl", "compound", "nmod", "relcl", "prep"):
        return []
    return [head, *_described(tree, head)] if not tree.is_verb(head) else [head]


def _clause(tree: Tree, i: int, _name: str = "clause") -> list[int]:
    """The subject of the clause around the trigger's noun ("Mistral develops models that rival …": Mistral)."""
    dep, head = tree.dep[i - tree.start], tree.governor(i)
    if head < 0 or dep not in ("relcl", "acl", "amod"):
        return []
    verb = governing_verb(tree, head)
    return _subject(tree, verb) if verb >= 0 else []


def _itself(tree: Tree, i: int, _name: str = "self") -> list[int]:
    return [i]


def _complements(tree: Tree, i: int) -> dict[str, list[int]]:
    hosts = [i, *tree.kids(i, "prt", "dobj", "attr")] if tree.is_verb(i) else [i, _verb_of(tree, i)]
    found: dict[str, list[int]] = {}
    for prep in (prep for host in hosts if host >= 0 for prep in tree.kids(host, "prep", "agent", "dative")):
        name = tree.lower[prep - tree.start]
        if name == "by" and tree.governor(prep) != i and not tree.is_verb(i) and _is_owned(tree, i):
            continue  # "A's purchase of B was cleared by the EU" names who buys already
        found.setdefault(name, []).extend(x for x in tree.kids(prep, "pobj", "pcomp") if x != i)
        for nested in tree.kids(prep, "prep"):
            if (below := tree.lower[nested - tree.start]) != name:
                found.setdefault(below, []).extend(x for x in tree.kids(nested, "pobj") if x != i)
    return found


def _verb_of(tree: Tree, noun: int) -> int:
    """The verb whose complements may be the noun's; none for a title: "Apple boss A lashed out at Meta" names no boss at Meta."""
    return -1 if tree.dep[noun - tree.start] in _MODIFIERS else governing_verb(tree, noun)


_SLOTS = {
    "subj": _subject,
    "obj": _object,
    "iobj": _indirect,
    "poss": _possessor,
    "mod": _modifiers,
    "is": _described,
    "head": _head,
    "self": _itself,
    "clause": _clause,
}
