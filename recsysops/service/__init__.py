"""The use cases, one file per verb. Plain functions: ports and values in, frozen dataclass out."""
