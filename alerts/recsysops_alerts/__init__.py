"""The channels RecSysOps brings, one per file, found by entry point like a stranger's, and its Prometheus rules."""
