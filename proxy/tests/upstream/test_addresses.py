"""The addresses of a name, as they are found."""

from stranglerfig.upstream.addresses import Addresses


def known(*found: str) -> Addresses:
    addresses = Addresses()
    assert addresses.learn(found) is bool(found)
    return addresses


def test_nothing_is_known_before_anything_is_found() -> None:
    assert Addresses().is_empty
    assert Addresses().known == ()


def test_the_order_in_which_they_were_found_says_nothing() -> None:
    addresses = known("10.0.0.2", "10.0.0.1", "10.0.0.2")
    assert addresses.known == ("10.0.0.1", "10.0.0.2")
    assert addresses.learn(["10.0.0.1", "10.0.0.2"]) is False
    assert addresses.known == ("10.0.0.1", "10.0.0.2")


def test_what_comes_is_known_and_what_goes_is_not() -> None:
    addresses = known("10.0.0.1")
    assert addresses.learn(["10.0.0.1", "10.0.0.2"]) is True
    assert "10.0.0.2" in addresses
    assert addresses.learn(["10.0.0.2"]) is True
    assert "10.0.0.1" not in addresses
    assert addresses.learn([]) is True
    assert addresses.is_empty


def test_only_the_family_that_the_system_prefers_is_spread_over() -> None:
    addresses = known("::1", "127.0.0.1", "::2")
    assert (addresses.known, addresses.others) == (("::1", "::2"), ("127.0.0.1",))
    assert "127.0.0.1" in addresses
    assert addresses.learn(["127.0.0.1", "::1", "::2"]) is False
    assert (addresses.known, addresses.others) == (("127.0.0.1",), ("::1", "::2"))
