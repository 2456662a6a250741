"""Plug the pretended providers in, in every process of a test."""

from syncs.ports import register
from tests.market.adapter import Market, Stalls

register(Market())
register(Stalls())
