"""Named orders of whole GEMMs, each a YAML file, and changes to one behind its name."""

from __future__ import annotations

import re
from typing import Any

import yaml

from hwsim.arch.override import overridden
from hwsim.base.document import Document, read_document
from hwsim.base.errors import InputError
from hwsim.base.shipped import find, shipped
from hwsim.base.validate import validate
from hwsim.units.gemm_order import GemmOrder


def names() -> list[str]:
    """The shipped orders."""
    return sorted(shipped("gemm_orders"))


def gemm_order(text: str) -> GemmOrder:
    """A shipped order or a YAML file, with changes behind it: ``NAME,key=value,…``, keys dotted, values YAML.

    The result is named by the whole text. Raises `InputError` with the nearest name, or the place of a problem.

    >>> gemm_order("cublaslt_rtx4060_slow,split_k=4,combine=pairwise").split_k
    4
    """
    name, *changes = re.split(r",(?=[\w.]+=)", text.strip())
    document = read_document(find(name, "gemm_orders"))
    order = validate(GemmOrder, document)
    if not changes:
        return order if order.name else order.model_copy(update={"name": name})
    asked = dict(_change(text, change) for change in changes)
    data = overridden(document.data, order.model_dump(mode="json"), asked, name)
    made = validate(GemmOrder, Document(name, {**data, "name": text.strip()}))
    unproven = {"grade": "assumed", "source": f"changed from {order.name}: {order.evidence.source}"}
    return made.model_copy(update={"evidence": order.evidence.model_copy(update=unproven)})


def _change(text: str, change: str) -> tuple[str, Any]:
    key, _, value = change.partition("=")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError:
        raise InputError(f"{text}: '{value}' is no YAML value for {key}") from None
