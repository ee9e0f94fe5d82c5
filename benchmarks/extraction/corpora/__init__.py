"""Our relation extraction on two public corpora, trained and tested on parts of them.

knowledgenet  facts between mentions that the pipeline finds (KnowledgeNet, folds 1 and 2 against fold 3)
core          the relation of a given pair (CORE, four texts in five against the fifth)
mentions      what counts as a mention there
features      what these runs look at beside the extractor's own features
course        both stages fitted as `kg train` fits them
score         right, wrong and missed
"""
