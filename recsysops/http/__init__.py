"""The HTTP API: parse, call the service, show. It only reads."""

from recsysops.http.app import create_app
from recsysops.http.context import ApiContext

__all__ = ["ApiContext", "create_app"]
