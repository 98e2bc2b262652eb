"""Pages for launch managers. They ask the API through its client and know nothing else."""
