"""differences.py - where husk and the reference differ and husk means it: one row each, with the reason.

A row covers a line when the case and the key match the globs and both values match the regular expressions
(MISSING stands for "no such line"). A row that covers nothing in a whole run is reported: it is stale.
"""
import collections

MISSING = "(none)"
Difference = collections.namedtuple("Difference", "case key reference husk reason")

DIFFERENCES = [
]
