"""Frozen values and the arithmetic on them. No input, no output, no clock."""
