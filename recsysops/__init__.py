"""RecSysOps: predict how a recommender will treat each upcoming title, and flag what is off while it can be fixed."""

__version__ = "0.1.0"
