"""The bits of a cellID: encodings as DD4hep and LCIO write them, and the layer in them."""

from __future__ import annotations

import re

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, HitforgeError
from hitforge.readers._root import whole

_BITS = 64
_LAYER = ("layer", "k-1", "k")
"""Names of the layer's field, the first that is there: DD4hep's; LCIO's, whose K-1 is counted from 0; CALICE's."""


def layer_bits(
    encoding: str, *, who: str = "'encoding'", where: object = None, error: type[HitforgeError] = ConfigError
) -> tuple[int, int] | None:
    """Return the first bit and the number of bits of the layer, negative if it has a sign; None if there is none.

    The grammar is that of DD4hep's ``BitFieldCoder`` and LCIO's ``BitField64``: fields ``name:bits`` or
    ``name:start:bits``, with commas between them; one without a start begins behind the field before it, and a negative
    number of bits is a number in two's complement.

    Args:
        encoding: Such as ``system:5,side:-2,layer:9`` or ``M:3,S-1:3,I:9,J:9,K-1:6``.
        who: Who says so, for errors.
        where: File and collection, for errors.
        error: What is raised.

    Raises:
        HitforgeError: The text is no encoding, a field is beyond 64 bits, or two have a bit or a name in common.
    """
    start = 0
    fields: dict[str, tuple[int, int]] = {}  # name -> first bit, bits
    for part in filter(str.strip, encoding.split(",")):
        match = re.fullmatch(r"\s*([^\s:]+)\s*:(?:\s*(\d+)\s*:)?\s*([+-]?\d+)\s*", part)
        if match is None or int(match[3]) == 0:
            must = f"{who} must be a list of name:bits or name:start:bits"
            raise error(must, came=f"'{part.strip()}'", where=where)
        name, start, bits = match[1].lower(), int(match[2] or start), int(match[3])
        if start + abs(bits) > _BITS:
            must = f"{who} must fit into {_BITS} bits"
            raise error(must, came=f"'{part.strip()}', bits {start} to {start + abs(bits) - 1}", where=where)
        for other, (first, number) in fields.items():
            if start < first + abs(number) and first < start + abs(bits):
                raise error(f"{who} must give each bit to one field", came=f"{other} and {name} overlap", where=where)
        if name in fields:
            raise error(f"{who} must name each field once", came=match[1], where=where)
        fields[name] = start, bits
        start += abs(bits)
    return next((fields[name] for name in _LAYER if name in fields), None)


def _bits(cell: Array, start: int, width: int) -> Array:
    """Return a field of cellIDs, (N,) uint64 -> (N,) int64; a negative width is two's complement."""
    value = cell >> np.uint64(start)
    above = np.uint64(_BITS - abs(width))  # bits of other fields
    if width < 0:
        return (value << above).astype(np.int64) >> above.astype(np.int64)
    return whole(value << above >> above, "layer", "cellID")
