"""Plug the pretended providers in, in every process of a test."""

from syncs.ports import register
from tests.market.adapter import Market, Stalls
from tests.market.traps import install

register(Market())
register(Stalls())
install()
