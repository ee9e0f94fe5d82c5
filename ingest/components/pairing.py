"""Which of two lists' names belong together: "A and B are led by C and D respectively" says nothing of A and D."""

from spacy.tokens import Span, Token

_IN_TURN = "respectively"


def is_crossed(subject: Span, object_: Span) -> bool:
    """Whether a sentence that pairs its lists in turn has the two mentions at different places of lists of one length."""
    if all(token.lower_ != _IN_TURN for token in subject.sent):
        return False
    lists = [_coordinated(mention.root) for mention in (subject, object_)]
    if lists[0] == lists[1] or len(lists[0]) != len(lists[1]):
        return False
    return lists[0].index(subject.root) != lists[1].index(object_.root)


def _coordinated(name: Token) -> list[Token]:
    """The names of a list in text order, this one among them."""
    return sorted([name, *name.conjuncts], key=lambda token: token.i)
