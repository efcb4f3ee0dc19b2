"""Each image by itself, as `docker run` knows it: it needs no Compose to keep what it promises."""

import json
import time
from pathlib import Path

import pytest
import requests
from containers.conftest import Figures
from containers.project import Project, docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

BASE = "python:3.11.15-slim-bookworm"
TEMPORARY = "/tmp:mode=1777"  # noqa: S108 - the container's own
IMAGES = {
    "gateway": "card-gateway",
    "mail": "mail-catcher",
    "monolith": "shopsmart",
    "catalog": "shopsmart-catalog",
    "proxy": "stranglerfig-proxy",
}
_LITE = ("--env", "DATABASE_URL=sqlite:////tmp/alone.sqlite3")
# Port, a path that needs nobody else, and what it wants beside a place for temporary files.
ALONE: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "gateway": (8190, "/livez", ("--tmpfs", "/var/lib/card_gateway:uid=10001")),
    "mail": (8191, "/livez", ("--tmpfs", "/var/lib/mail_catcher:uid=10001")),
    "monolith": (8100, "/_chassis/livez", _LITE),
    "catalog": (8211, "/_chassis/livez", _LITE),
    "proxy": (
        8000,
        "/_chassis/",
        (
            *("--tmpfs", "/var/lib/fig:mode=1777"),
            *("--env", "FIG_ADMIN_TOKEN_FILE=/etc/fig/admin_token"),
        ),
    ),
}
# Who one is; what builds or downloads; an installer of its own; tests of ours, and what work leaves behind.
LOOK = """
id -u
command -v gcc cc make curl wget git
find /venv -name pip -maxdepth 5
cd /venv/lib/python3.11/site-packages
find /app $(ls -d chassis shopsmart shopsmart_catalog stranglerfig 2>/dev/null) \\
    -name tests -o -name 'test_*' -o -name conftest.py -o -name '*.sqlite3' -o -name .git
true
"""


def test_an_image_holds_what_runs_and_nothing_else(built: Project, figures: Figures) -> None:
    figures.note(f"image {BASE}, MB", _size(BASE))
    for name in IMAGES.values():
        said = docker("run", "--rm", f"{name}:local", "sh", "-c", LOOK).splitlines()
        assert said == ["10001"], name


@pytest.mark.parametrize("service", IMAGES)
def test_an_image_answers_alone_and_ends_when_it_is_told(
    built: Project, figures: Figures, tmp_path: Path, service: str
) -> None:
    """Without Compose and without an init: its own process is the first one, and gets the signal."""
    image = f"{IMAGES[service]}:local"
    figures.note(f"image {image}, MB", _size(image))
    port, path, options = ALONE[service]
    tmp_path.chmod(0o755)
    nobody = built.fig_file.read_text().replace("http://monolith:8100", "http://127.0.0.1:9")
    (tmp_path / "fig.yaml").write_text(nobody)
    (tmp_path / "admin_token").write_text("for this test alone")
    began = time.monotonic()
    container = docker(
        *("run", "--detach", "--read-only", "--tmpfs", TEMPORARY, "--cap-drop", "ALL"),
        *("--publish", f"127.0.0.1::{port}", *options, "--volume", f"{tmp_path}:/etc/fig:ro"),
        image,
    ).strip()
    try:
        url = f"http://{docker('port', container, str(port)).splitlines()[0]}{path}"
        built.wait_until(lambda: _status(url) in (200, 404), f"{service} answers")
        figures.note(f"{service} answers after its start, s", time.monotonic() - began)
        docker("stop", "--time", "20", container)
        (state,) = json.loads(docker("inspect", "--format", "[{{json .State}}]", container))
        assert state["ExitCode"] == 0
    finally:
        docker("rm", "--force", "--volumes", container)


def _size(image: str) -> float:
    return round(int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6)


def _status(url: str) -> int | None:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return None
