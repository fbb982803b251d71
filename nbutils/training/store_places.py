"""Opens a store wherever it is."""

from __future__ import annotations

from nbutils.paths import cache_of, is_url, store_location
from nbutils.training.store import Store


def open_store(location: str | None = None) -> Store:
    """The store at a place.

    Args:
        location: A folder, or the URL of a bucket with a prefix (s3://, gs://, az://); None: what
            `nbutils.paths.store_location` says.

    Raises:
        StoreError: It cannot be used.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from nbutils.training import open_store
        >>> with TemporaryDirectory() as folder:
        ...     open_store(folder).location == folder
        True
    """
    location = location or store_location()
    if not is_url(location):
        return Store(location)
    from nbutils.training.object_store import ObjectStore

    return ObjectStore(location, cache_of(location))
