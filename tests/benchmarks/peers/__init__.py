"""The proxies that ours is measured beside: one module each, and its configuration as a template.

All are given the same job (``job``): N routes by path, a split between two upstreams, forwarded headers, kept connections
to the upstreams. What one of them can't do stands in its ``cannot`` and in every report.
"""

from benchmarks.peers.caddy import Caddy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.node_http_proxy import NodeHttpProxy
from benchmarks.peers.peer import Peer
from benchmarks.peers.stranglerfig import Stranglerfig
from benchmarks.peers.traefik import Traefik

OURS = Stranglerfig.name
PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Stranglerfig(),
        Nginx(),
        HAProxy(),
        Envoy(),
        Caddy(),
        Traefik(),
        NodeHttpProxy(),
    )
}
