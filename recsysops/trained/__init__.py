"""A recommender of its own: matrix factorisation on events, and a map from metadata to factors for titles nobody knows.

Entry point `trained` of the group `recsysops.recommenders`; needs the extra `trained` (the library `implicit`).
"""
