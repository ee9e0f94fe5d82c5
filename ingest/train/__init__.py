"""Training the claim scorer; needs scikit-learn (`pip install aikg[train]`). Nothing here is imported when articles are extracted."""
