"""Changes to a description by dotted paths, as if the user had edited the file."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hwsim.base.errors import InputError, did_you_mean


def overridden(
    data: Mapping[str, Any], resolved: Mapping[str, Any], changes: Mapping[str, Any], shown: str
) -> dict[str, Any]:
    """A copy of ``data`` with each ``dotted.path: value`` of ``changes`` set.

    ``resolved`` is the same description with every default written out: a part that ``data`` leaves to its default,
    or names only (``multiplier: exact``), is taken from there before a key in it is changed. Entries of lists are
    addressed by number (``operators.0.k``). Raises `InputError` where a path leads through something that is none.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(data))
    for path, value in changes.items():
        parts = path.split(".")
        node: Any = changed
        default: Any = resolved
        for depth, part in enumerate(parts[:-1]):
            default = _inside(default, part)
            # Another kind does not take the keys that the default kind has by default.
            fresh = parts[depth + 1 :] == ["kind"]
            node = _step(node, part, {} if fresh and default else default, ".".join(parts[: depth + 1]), shown)
        _put(node, parts[-1], copy.deepcopy(value), path, shown)
    return changed


def _inside(node: Any, part: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(part)
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    return None


def _step(node: Any, part: str, default: Any, path: str, shown: str) -> Any:
    """The part of ``node`` to change something in, made from ``default`` where it is not written out."""
    found = _inside(node, part)
    if isinstance(found, (dict, list)):
        return found
    if not isinstance(default, (dict, list)):
        known = [name for name, value in _entries(node) if isinstance(value, (dict, list))]
        raise InputError(f"{shown}: {path}: nothing to change inside '{part}'{did_you_mean(part, known)}")
    made = copy.deepcopy(default)
    _put(node, part, made, path, shown)
    return made


def _entries(node: Any) -> list[tuple[str, Any]]:
    return list(node.items()) if isinstance(node, Mapping) else []


def _put(node: Any, part: str, value: Any, path: str, shown: str) -> None:
    if isinstance(node, dict):
        node[part] = value
    elif part.isdigit() and int(part) < len(node):
        node[int(part)] = value
    else:
        raise InputError(f"{shown}: {path}: expected a number below {len(node)}, got '{part}'")
