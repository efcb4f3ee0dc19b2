"""The upstream of all proxies: an nginx with two faces, control and candidate, that answer alike.

``/…/small`` is a small JSON, ``/…/64k``, ``/…/1m`` and ``/…/100m`` are files, ``/…/taken`` says how much was posted, and
``/…/seen`` tells what it saw of the request, so that a proxy's job can be checked.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import NamedTuple

from benchmarks.load.asking import is_answered
from benchmarks.load.bodies import FILES, SMALL, write_files
from benchmarks.load.processes import Cores, Failed, Running, free_ports, started
from benchmarks.peers.peer import find

_SEEN = {
    "host": "$http_host",
    "forwarded_for": "$http_x_forwarded_for",
    "forwarded_proto": "$http_x_forwarded_proto",
    "forwarded_host": "$http_x_forwarded_host",
    "forwarded_port": "$http_x_forwarded_port",
    "real_ip": "$http_x_real_ip",
    "request_id": "$http_x_request_id",
    "requests_of_connection": "$connection_requests",
    "path": "$uri",
}

_CONFIG = Template("""
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 19000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  client_body_buffer_size 32k;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16;
  default_type application/json;
  client_body_temp_path ${folder}/client_body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
${servers}
}
""")

_SERVER = Template("""
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 404 '{"side": "${side}"}'; }
    location ~ /small$$ { return 200 '${small}'; }
    location ~ /taken$$ { return 200 '{"taken": "$$content_length"}'; }
    location ~ /seen$$ { return 200 '${seen}'; }
    location ~ /(${files})$$ { alias ${folder}/$$1; }
  }
""")


class Upstream(NamedTuple):
    """Where it listens, and its processes."""

    control: int
    candidate: int
    running: Running


@contextlib.contextmanager
def upstream(folder: Path, cores: Cores) -> Iterator[Upstream]:
    """Run it on the cores of the load."""
    program = find("nginx")
    if program is None:
        raise Failed("nginx is the upstream, and is not installed (apt-get install nginx-light)")
    folder.mkdir()
    write_files(folder)
    control, candidate = free_ports(2)
    servers = [
        _SERVER.substitute(
            port=port,
            side=side,
            small=SMALL.decode(),
            files="|".join(FILES),
            folder=folder,
            seen=json.dumps({"side": side} | _SEEN),
        )
        for side, port in (("control", control), ("candidate", candidate))
    ]
    config = folder / "upstream.conf"
    config.write_text(_CONFIG.substitute(folder=folder, servers="".join(servers)), encoding="utf-8")
    with started(
        "the upstream",
        [program, "-e", "stderr", "-c", str(config)],
        folder=folder,
        cores=cores.load,
        ready=lambda: is_answered(control, "/small") and is_answered(candidate, "/small"),
    ) as running:
        yield Upstream(control, candidate, running)
