"""Each image by itself, as `docker run` knows it: it needs no Compose to keep what it promises."""

import datetime
import json
import time
from pathlib import Path

import pytest
import requests
from containers.conftest import Figures
from containers.project import Project, docker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

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


def test_the_proxy_says_that_it_is_well_where_its_clients_come_by_tls(
    built: Project, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    _sign_itself(tmp_path, "shop.example")
    fig = built.fig_file.read_text().replace("http://monolith:8100", "http://127.0.0.1:9")
    tls = "tls: {certificate: shop.pem, key: shop.key}\n"
    (tmp_path / "fig.yaml").write_text(tls + fig)
    (tmp_path / "admin_token").write_text("for this test alone")
    container = docker(
        *("run", "--detach", "--read-only", "--tmpfs", TEMPORARY, "--cap-drop", "ALL"),
        *ALONE["proxy"][2],
        *("--volume", f"{tmp_path}:/etc/fig:ro", "--health-interval", "1s"),
        f"{IMAGES['proxy']}:local",
    ).strip()

    def health() -> str:
        return docker("inspect", "--format", "{{.State.Health.Status}}", container).strip()

    try:
        built.wait_until(lambda: health() != "starting", "the proxy says how it is")
        assert health() == "healthy"
    finally:
        docker("rm", "--force", "--volumes", container)


def _sign_itself(folder: Path, name: str) -> None:
    """Make a key, and a certificate that nobody else vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(called, called, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "shop.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "shop.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _size(image: str) -> float:
    return round(int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6)


def _status(url: str) -> int | None:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.RequestException:
        return None
