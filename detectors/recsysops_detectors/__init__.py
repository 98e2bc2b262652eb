"""The detectors RecSysOps brings, one per file, found by entry point like a stranger's."""
