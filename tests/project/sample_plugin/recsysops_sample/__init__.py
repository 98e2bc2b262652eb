"""A detector and a channel for RecSysOps, as somebody else would write them."""
