"""The words that qualify a claim, by what they do; all are lemmas or lower-case forms."""


def words(text: str) -> frozenset[str]:
    """The words of a text, split at white space."""
    return frozenset(text.split())


DENIAL = words("""
    abandon avoid cancel cease decline deny disavow dismiss fail forgo oppose prevent prohibit rebuff refuse refute reject scrap stop
""")
COLLAPSE = words("abandon block cancel collapse fail reject scrap terminate")

PLAN = words("""
    agree aim ambition commit due expect gear goal intend intention plan pledge plot prepare promise proposal ready schedule set vow
""")
WISH = words("decide hope seek want")
PLAN_MODIFIERS = words("forthcoming future planned planning proposed upcoming")

POSSIBILITY = words("""
    appear consider contemplate discuss explore interest look mull negotiate offer risk rumor rumour seem speculate threaten tip weigh
""")
HEARSAY = words("allegation claim hint idea notion possibility prospect report rumor rumour speculation suggestion")
UNTRUE = words("baseless false inaccurate incorrect unfounded untrue wrong")
POSSIBLE_AUXILIARIES = words("could may might would")
POSSIBLE_ADVERBS = words("allegedly likely maybe perhaps possibly potentially probably reportedly supposedly")
POSSIBLE_MODIFIERS = words("hypothetical likely possible potential rumored rumoured")

EX = words("erstwhile ex ex- former formerly late one-time onetime previous previously then")
PAST_ADVERBS = words("formerly once previously")
PAST_ROLES = words("leads memberOf worksFor")
PAST_TRIGGERS = words("depart fire leave oust quit resign retire")
DEPARTURE = words("depart exit leave quit resign retire")
DISMISSAL = words("dismiss fire oust sack terminate")

SPEECH = words("""
    accuse acknowledge add admit allege announce argue assert believe claim complain confirm contend declare disclose emphasize estimate
    explain insist maintain note observe predict reiterate remark report reveal say state stress suggest tell think warn write
""")
TOPICAL = words("address comment describe detail discuss elaborate explain mention specify")
