"""Who else asks upstreams that speak TLS: the comparer, and the commands."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority, serving
from fig_process import Fig, Upstream, wait_until

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
upstreams:
  monolith: {url: "MONOLITH", tls: {ca: ca.pem}}
  catalog: {url: "CATALOG", tls: {insecure_accept_any_certificate: true}}
capabilities:
  catalog: {upstream: catalog, stage: shadow, routes: [GET /api/**]}
"""


class SecuredUpstream(Upstream):
    """The same by https."""

    def __init__(self, name: str, context: ssl.SSLContext) -> None:
        super().__init__(name)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[tuple[Upstream, Upstream]]:
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    context = serving(tmp_path, authority.sign("127.0.0.1"))
    both = SecuredUpstream("one", context), SecuredUpstream("one", context)
    yield both
    for each in both:
        each.close()


def make(folder: Path, sides: tuple[Upstream, Upstream]) -> Fig:
    text = CONFIG.replace("MONOLITH", sides[0].url).replace("CATALOG", sides[1].url)
    fig = Fig(folder, text)
    fig.environment["SSL_CERT_FILE"] = str(folder / "nobody.pem")
    return fig


@pytest.mark.slow
def test_answers_are_compared_and_an_unverified_side_is_named(
    tmp_path: Path, sides: tuple[Upstream, Upstream]
) -> None:
    fig = make(tmp_path, sides)
    try:
        fig.start()

        def comparison() -> dict[str, int]:
            # Until the comparer is up nothing is compared.
            assert fig.get("/api/x")[0] == 200
            found: dict[str, int] = fig.status()["capabilities"][0]["comparison"]
            return found

        wait_until(lambda: comparison()["equal"], explain=lambda: (comparison(), fig.log()))
        assert fig.status()["unverified_upstreams"] == ["catalog"]
        assert "catalog is verified by nothing" in fig.command("status").stdout
    finally:
        fig.clean_up()


def test_fig_check_warns_of_who_is_not_verified(
    tmp_path: Path, sides: tuple[Upstream, Upstream]
) -> None:
    said = make(tmp_path, sides).command("check")
    assert said.returncode == 0
    assert "insecure_accept_any_certificate: whoever answers" in said.stderr.replace("\n", " ")


@pytest.mark.slow
def test_fig_same_verifies_by_the_systems_trust(
    tmp_path: Path, sides: tuple[Upstream, Upstream]
) -> None:
    fig = make(tmp_path, sides)
    words = ("same", "--control", sides[0].url, "--candidate", sides[1].url, "/x")
    said = run(fig, *words)
    assert said.returncode == 1
    assert "the system does not know who signed it" in said.stdout.replace("\n", " ")
    fig.environment["SSL_CERT_FILE"] = str(tmp_path / "ca.pem")
    said = run(fig, *words)
    assert (said.returncode, said.stderr) == (0, "")
    assert f"control    {sides[0].url}" in said.stdout


def test_fig_init_says_that_a_certificate_is_not_accepted(
    tmp_path: Path, sides: tuple[Upstream, Upstream]
) -> None:
    fig = make(tmp_path, sides)
    fig.config.unlink()
    said = fig.command("init", "--upstream", sides[0].url)
    assert said.returncode == 0
    assert "shows a certificate that is not accepted" in said.stderr.replace("\n", " ")
    assert f"monolith: {sides[0].url}" in fig.config.read_text()


def run(fig: Fig, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command that reads no fig.yaml."""
    return subprocess.run(
        [sys.executable, "-m", "stranglerfig", *arguments],
        capture_output=True,
        text=True,
        env=fig.environment,
        cwd=fig.folder,
        timeout=60,
        check=False,
    )
