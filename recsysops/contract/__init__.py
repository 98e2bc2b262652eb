"""What a plug-in may import: the shapes of a detector, a channel and their data."""
