"""The account: two sums, each with a rest that is not negative, and the same numbers for whoever asks."""

from stranglerfig.compare.account import accounts_of
from stranglerfig.counters import Key, names


def counts() -> dict[Key, int]:
    def key(name: str, **labels: str) -> Key:
        return name, tuple(sorted({"capability": "catalog", **labels}.items()))

    return {
        key(names.ASKED): 30,
        key(names.TEE_SKIPPED, reason="queue_full"): 4,
        key(names.TEE_SKIPPED, reason="client_left"): 1,
        key(names.TEED): 22,
        key(names.RESULTS, result="equal"): 9,
        key(names.RESULTS, result="different"): 2,
        key(names.RESULTS, result="ignored"): 1,
        key(names.RESULTS, result="no_answer"): 1,
        key(names.SKIPPED, reason="stale"): 3,
        key(names.LOST, process="pipe"): 2,
        key(names.NO_ANSWER, reason="refused"): 1,
        (names.CONNECTIONS, ()): 7,
    }


def test_both_sums_add_up() -> None:
    sums = accounts_of(counts())["catalog"].sums()
    assert (sums["under_way"], sums["waiting"]) == (3, 4)
    assert sums["asked"] == sums["teed"] + sum(sums["not_teed"].values()) + sums["under_way"]
    judged = sum(sums[name] for name in ("equal", "different", "ignored", "no_answer"))
    rest = sum(sums["skipped"].values()) + sum(sums["lost"].values()) + sums["waiting"]
    assert sums["teed"] == judged + rest


def test_one_sum_says_the_same_as_two() -> None:
    account = accounts_of(counts())["catalog"]
    sums, whole = account.sums(), account.to_dict()
    assert whole["skipped"] == {**sums["not_teed"], **sums["skipped"]}
    assert whole["waiting"] == sums["under_way"] + sums["waiting"]
    same = ("asked", "equal", "different", "ignored", "no_answer", "lost")
    assert {name: whole[name] for name in same} == {name: sums[name] for name in same}
