"""Whose request it is. Everything left of the first stranger is hearsay."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from shopsmart.accounts.client_address import client_address, client_of, networks

PROXY, CDN, CLIENT, LIE = "127.0.0.1", "10.1.2.3", "203.0.113.9", "198.51.100.1"


@pytest.fixture(autouse=True)
def _our_proxies(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = networks(["127.0.0.0/8", "10.1.0.0/16", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        (CLIENT, "", CLIENT),
        # A stranger's word is nothing, wherever it comes from.
        (CLIENT, LIE, CLIENT),
        (CLIENT, f"{LIE}, {PROXY}", CLIENT),
        # One proxy of ours, then two; what the client wrote itself stands further left.
        (PROXY, CLIENT, CLIENT),
        (PROXY, f"{LIE}, {CLIENT}", CLIENT),
        (PROXY, f"{LIE}, {CLIENT}, {CDN}", CLIENT),
        (PROXY, f"{PROXY}, {LIE}, {CLIENT}", CLIENT),
        # Somebody on our own network, or who asked the shop directly.
        (PROXY, "", PROXY),
        (PROXY, CDN, CDN),
        # Not what proxies write: the last that can be read holds.
        (PROXY, "unknown", PROXY),
        (PROXY, f"{CLIENT}, unknown", PROXY),
        (PROXY, f"{LIE}, {CLIENT}:4711", PROXY),
        (PROXY, " , ,", PROXY),
        # IPv6, and IPv4 in its clothes.
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", CLIENT, CLIENT),
        (PROXY, f"::ffff:{CLIENT}", CLIENT),
        # A socket file: whoever reaches it is on this machine.
        ("", CLIENT, CLIENT),
        ("", f"{LIE}, {CLIENT}", CLIENT),
    ],
)
def test_the_nearest_address_that_is_no_proxy_of_ours(
    peer: str, forwarded_for: str, client: str
) -> None:
    assert str(client_address(peer=peer, forwarded_for=forwarded_for)) == client


@given(st.text(max_size=60))
def test_no_header_moves_a_client_who_asks_directly(header: str) -> None:
    assert str(client_address(peer=CLIENT, forwarded_for=header)) == CLIENT


@given(st.lists(st.ip_addresses(v=4).map(str), max_size=4))
def test_nothing_in_front_of_the_proxys_own_entry_matters(lies: list[str]) -> None:
    header = ", ".join([*lies, CLIENT])
    assert str(client_address(peer=PROXY, forwarded_for=header)) == CLIENT


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (CLIENT, CLIENT),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),  # the same customer
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", "local"),
    ],
)
def test_a_customers_whole_network_is_one_client(
    rf: RequestFactory, peer: str, client: str
) -> None:
    assert client_of(rf.get("/", REMOTE_ADDR=peer)) == client


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy.example", "10.0.0.1/8", ""])
def test_what_is_no_network_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        networks([text])
