"""Contract checks, fakes and builders: shipped for other people's plug-ins. Seen by no other part."""
