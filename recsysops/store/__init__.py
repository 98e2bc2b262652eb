"""Where everything is kept: typed tables, migrations, repositories, unit of work, writer's lock.

Raw log rows never enter it. Import `open_store` from here; the database library is loaded when it is called.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsysops.store.unit import SqlStore


def open_store(url: str, *, read_only: bool = False) -> "SqlStore":
    """Open the store, and bring its schema up to date when it may write.

    Args:
        url: SQLAlchemy URL, for example `sqlite:////var/lib/recsysops/recsysops.sqlite`.
        read_only: Only read; nothing is created or migrated.

    Raises:
        StoreError: It cannot be opened, or its schema is absent or of another version and may not be changed.
    """
    from recsysops.store.opening import open_sql_store

    return open_sql_store(url, read_only=read_only)
