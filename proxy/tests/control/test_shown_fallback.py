"""A fallback as who operates the proxy sees it: in the file, explained, counted."""

import socket
from typing import Any

from fig_process import Fig, wait_until

from stranglerfig.config.load import digest_of


def test_a_fallback_is_checked_explained_and_shown(fig: Fig) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        text = fig.original.replace(
            "    stage: monolith", "    stage: service\n    fallback: monolith", 1
        )
        before = text.partition("  catalog: ")[0]
        after = text.partition("capabilities:")[2]
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        text = (
            f"{before}  catalog: {{url: '{dead}', retries: {{attempts: 1}}}}\ncapabilities:{after}"
        )
        fig.save(text)
        wait_until(lambda: fig.status()["digest"] == digest_of(text))
        wait_until(lambda: fig.effective == fig.generation)

        status, _, body = fig.get("/api/catalog/x")
        assert (status, b'"upstream": "monolith"' in body) == (200, True)
        # Counted when the answer has been handed on, which is a moment after it can be read.
        wait_until(lambda: fig.status()["capabilities"][0]["fallbacks"] == {"answered": 1})
        (catalog,) = fig.status()["capabilities"]
        assert catalog["requests"]["service"] >= 1
        said = fig.command("status").stdout
        assert "1 failure of the service, 1 answered by the monolith in its place" in said
        metrics = fig.admin("GET", "/metrics")[2].decode()
        wanted = (
            'fig_fallbacks_total{capability="catalog",reason="connect_failed",result="answered"}'
        )
        assert f"{wanted} 1.0" in metrics
        assert 'fig_retries_total{result="failed",upstream="catalog",when="connect"} 1.0' in metrics

    explained = fig.command("explain", "GET", "/api/catalog/x").stdout
    assert "monolith, asked once if catalog gives no answer, 502, 503 or 504" in explained
    assert fig.command("check").returncode == 0
    fig.save(text.replace("    fallback: monolith", "    fallback: monolith\n    writes: service"))
    checked: Any = fig.command("check")
    assert checked.returncode == 0
    assert "there is no fallback with writes: service" in checked.stdout + checked.stderr
    explained = fig.command("explain", "GET", "/api/catalog/x").stdout
    assert "none: with writes: service the monolith lacks" in explained
