"""Reads: what the faces show, computed from the store. One file per subject; nothing here writes."""
