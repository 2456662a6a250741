"""Which addresses belong to the public internet, whatever they are wrapped in."""

from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

# What `is_global` of some Python versions calls public and is not.
NOT_PUBLIC = tuple(
    IPv4Network(each)
    for each in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24")
)
UNICAST = IPv6Network("2000::/3")
DOCUMENTATION = IPv6Network("3fff::/20")
NAT64 = IPv6Network("64:ff9b::/96")
COMPATIBLE = IPv6Network("::/96")
LOW_32_BITS = 0xFFFFFFFF


def is_public(text: str) -> bool:
    """Tell whether this IP address, and every IPv4 address inside it, is public."""
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    if inner := list(_inside(address)):
        return all(_is_public_v4(each) for each in inner)
    return address in UNICAST and address.is_global and address not in DOCUMENTATION


def _is_public_v4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in NOT_PUBLIC)
    )


def _inside(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that a translator or tunnel on the way would call."""
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in NAT64 or address in COMPATIBLE:
        yield IPv4Address(int(address) & LOW_32_BITS)
