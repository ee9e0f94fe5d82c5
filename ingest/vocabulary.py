"""The words that qualify a claim, by what they do; all are lemmas or lower-case forms."""


def words(text: str) -> frozenset[str]:
    """The words of a text, split at white space."""
    return frozenset(text.split())


DENIAL = words("""
    abandon avoid cancel cease decline deny disavow dismiss fail forgo oppose prevent prohibit rebuff refuse refute reject scrap stop
""")
UNDOING = words("bar block halt prevent stop thwart veto")
COLLAPSE = words("abandon block cancel collapse fail reject scrap terminate")

PLAN = words("""
    agree aim ambition commit due expect gear goal intend intention plan pledge plot prepare promise proposal ready schedule set vow
""")
WISH = words("decide hop hope seek want")  # "hop" is what the base pipeline makes of "hopes"
PLAN_MODIFIERS = words("forthcoming future planned planning proposed upcoming")

POSSIBILITY = words("""
    appear consider contemplate discuss explore imagine interest look mull negotiate offer risk rumor rumour seem speculate suppose
    threaten tip weigh
""")
HEARSAY = words("allegation claim hint idea notion possibility prospect report rumor rumour speculation suggestion")
UNTRUE = words("baseless false inaccurate incorrect unfounded untrue wrong")
POSSIBLE_AUXILIARIES = words("could may might ought should would")
POSSIBLE_ADVERBS = words("""
    allegedly almost apparently likely maybe nearly ostensibly perhaps possibly potentially probably reportedly seemingly supposedly
""")
HARDLY = words("barely hardly scarcely")
WRONGLY = words("erroneously falsely mistakenly wrongly")
POSSIBLE_MODIFIERS = words("hypothetical likely possible potential rumored rumoured")

# A claim in a "to" or "that" clause is no fact unless what stands above it makes it one (Karttunen 1971: implicative and factive verbs).
IMPLICATIVE = words("""
    be begin bother choose come continue dare elect get go happen have help join let make manage move opt partner proceed race
    return rush serve start step team use work
""")
FACTIVE = words("""
    agree announcement aware certain cite clear conclude decide demonstrate determine discover do emerge ensure evidence fact find
    forget hear include indicate involve know learn mean news notice obvious proof prove read realise realize regret remember rule see
    show sure true watch
""")
ORDINAL = words("first last latest next only second")

EX = words("erstwhile ex ex- former formerly late one-time onetime previous previously then")
PAST_ADVERBS = words("formerly once previously")
PAST_ROLES = words("leads memberOf worksFor")
PAST_TRIGGERS = words("depart fire leave oust quit resign retire")
DEPARTURE = words("depart exit leave quit resign retire")
ENDING = words("discontinue drop end halt quit sever suspend terminate withdraw")
ENDED = words("distributes investigates lobbies partnersWith sues suppliesTo supports uses")
DISMISSAL = words("dismiss fire oust sack terminate")

SPEECH = words("""
    accuse acknowledge add admit allege announce argue assert believe claim complain concede confirm contend declare disclose emphasize
    estimate explain hint insist maintain note observe post predict quip recount reiterate remark report reveal say state stress suggest
    tell testify think tweet warn write
""")
TOPICAL = words("address appreciate comment describe detail discuss elaborate explain mention regret specify surprise")
