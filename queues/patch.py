"""Change a JSON document by a merge patch (RFC 7396): null takes a key away."""

from collections.abc import Mapping
from typing import Any


def patched(document: Any, patch: Any) -> Any:
    """Return the document with the patch applied; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = patched(merged.get(key), value)
    return merged
