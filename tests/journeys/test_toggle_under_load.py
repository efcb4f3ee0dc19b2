"""The catalogue goes forth and back through every stage, twice, while twenty shoppers browse: nobody notices.

Every other change is a saved file, as different editors save it; the others are `fig set`.
"""

import re
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from crowd.accounts import (
    assert_all_accounts_agree,
    assert_shadows_are_logged,
    capability,
    settled,
    status,
    wait_until,
)
from crowd.shoppers import Crowd
from crowd.visitor import Asked
from stack import SeededData, Stack

FORTH_AND_BACK = (
    ("shadow", None),
    ("canary", 10),
    ("canary", 50),
    ("service", None),
    ("canary", 50),
    ("canary", 10),
    ("shadow", None),
    ("monolith", None),
)
ROUNDS = 2
ANSWERS_A_STEP = 40
EFFECTIVE_WITHIN_S = 10.0


def writes_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def writes_beside_and_renames(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.replace(path)


def keeps_a_backup(path: Path, text: str) -> None:
    """The file is away for a moment, as with `set backupcopy=no` and a slow disk."""
    path.rename(path.with_name(f"{path.name}~"))
    path.write_text(text)


EDITORS: tuple[Callable[[Path, str], None], ...] = (
    writes_in_place,
    writes_beside_and_renames,
    keeps_a_backup,
)


@dataclass(frozen=True)
class Change:
    """One change of the word, and when it was promised to hold."""

    stage: str
    percent: int | None
    generation: int
    effective_at: float


def save(stack: Stack, editor: Callable[[Path, str], None], stage: str, percent: int | None) -> int:
    """Change the word as a person does; gives the generation when the proxy says that it holds."""
    assert stack.proxy is not None
    path = stack.proxy.config_path
    text = re.sub(r"stage: \w+", f"stage: {stage}", path.read_text())
    if percent is not None:
        text = re.sub(r"percent: \d+", f"percent: {percent}", text)
    before: int = status(stack)["generation"]
    editor(path, text)

    def is_effective() -> bool:
        change = status(stack)["last_change"]
        return bool(change) and change["generation"] == before + 1

    wait_until(is_effective, lambda: status(stack), EFFECTIVE_WITHIN_S)
    found = capability(stack)
    assert (found["stage"], found["last_change"]["what"]) == (stage, "reload")
    return before + 1


def set_(stack: Stack, stage: str, percent: int | None) -> int:
    share = [] if percent is None else [str(percent)]
    stack.fig("set", "catalog", stage, *share, "--why", "forth and back")
    generation: int = status(stack)["generation"]
    return generation


def walk(stack: Stack, crowd: Crowd) -> Iterator[Change]:
    """Every stage forth and back; the second time, what was saved is set and the other way round."""
    editors = 0
    for round_ in range(ROUNDS):
        for step, (stage, percent) in enumerate(FORTH_AND_BACK):
            if (round_ + step) % 2:
                generation = set_(stack, stage, percent)
            else:
                generation = save(stack, EDITORS[editors % len(EDITORS)], stage, percent)
                editors += 1
            yield Change(stage, percent, generation, time.monotonic())
            crowd.wait_for(ANSWERS_A_STEP)


@pytest.fixture(scope="module")
def toggled(
    tmp_path_factory: pytest.TempPathFactory, seeded: SeededData
) -> Iterator[tuple[Stack, Crowd, list[Change]]]:
    """The walk, once for all that is asked of it."""
    with Stack.start(tmp_path_factory.mktemp("toggled") / "stack", data=seeded) as stack:
        crowd = Crowd(stack)
        first = Change("monolith", None, status(stack)["generation"], time.monotonic())
        with crowd.browsing():
            crowd.wait_for(ANSWERS_A_STEP)
            changes = [first, *walk(stack, crowd)]
        yield stack, crowd, changes


@pytest.mark.slow
class TestToggledForthAndBackTwice:
    def test_no_request_fails_and_no_connection_is_closed(
        self, toggled: tuple[Stack, Crowd, list[Change]]
    ) -> None:
        _, crowd, changes = toggled
        assert len(changes) == 1 + ROUNDS * len(FORTH_AND_BACK)
        assert crowd.failed == [], crowd.summary()
        assert crowd.connections == crowd.visitors

    def test_what_began_after_a_change_was_reported_is_decided_by_it(
        self, toggled: tuple[Stack, Crowd, list[Change]]
    ) -> None:
        _, crowd, changes = toggled
        generations = [change.generation for change in changes]
        assert generations == list(range(generations[0], generations[0] + len(changes)))
        reported = [change.effective_at for change in changes]
        for asked in crowd.asked:
            holds = changes[max(bisect_right(reported, asked.began) - 1, 0)]
            assert asked.generation >= holds.generation, f"{asked} is older than {holds}"
        assert {asked.generation for asked in crowd.catalogued} == set(generations)

    def test_the_stage_decides_the_side_and_a_user_stays_there(
        self, toggled: tuple[Stack, Crowd, list[Change]]
    ) -> None:
        _, crowd, changes = toggled
        by_generation = {change.generation: change for change in changes}
        sides: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        for asked in crowd.catalogued:
            change = by_generation[asked.generation]
            assert asked.plan["stage"] == change.stage
            sides[asked.visitor, asked.generation].add(asked.side)
            if change.stage == "canary":
                is_new = int(asked.plan["bucket"]) < 100 * (change.percent or 0)
                assert asked.side == ("service" if is_new else "monolith"), asked
            else:
                assert asked.side == ("service" if change.stage == "service" else "monolith"), asked
        assert {len(each) for each in sides.values()} == {1}

    def test_both_sides_give_the_same_bytes(
        self, toggled: tuple[Stack, Crowd, list[Change]]
    ) -> None:
        _, crowd, _ = toggled
        answers: defaultdict[str, dict[bytes, Asked]] = defaultdict(dict)
        for asked in crowd.catalogued:
            answers[asked.path].setdefault(asked.body, asked)
        unlike = [list(map(str, known.values())) for known in answers.values() if len(known) > 1]
        assert unlike == []

    def test_shoppers_proxy_and_access_logs_count_the_same(
        self, toggled: tuple[Stack, Crowd, list[Change]]
    ) -> None:
        stack, crowd, _ = toggled
        assert_all_accounts_agree(stack, crowd.asked)

    def test_every_comparison_is_accounted_for_and_none_differs(
        self, toggled: tuple[Stack, Crowd, list[Change]]
    ) -> None:
        stack, crowd, _ = toggled
        account = settled(stack)
        to_compare = [asked for asked in crowd.catalogued if asked.plan["stage"] != "monolith"]
        assert account["asked"] == account["teed"] == account["equal"] == len(to_compare)
        assert_shadows_are_logged(stack, account)
