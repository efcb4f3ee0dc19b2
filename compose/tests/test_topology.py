"""The topology is what the demo starts and what fig.yaml points at."""

import re

from ruamel.yaml import YAML

from demo.topology import FIG_FILE, ROOT, load_topology


def test_every_folder_exists_and_every_text_can_be_filled_in() -> None:
    topology = load_topology()
    for spec in topology.processes.values():
        assert (ROOT / spec.folder).is_dir()
        for text in (*spec.prepare, spec.serve):
            words = " ".join(topology.command(spec, text))
            assert "{" not in re.sub(r"%\({[a-z-]+}i\)s", "", words)
        assert all("{" not in value for value in topology.environment(spec).values())


def test_the_upstreams_of_fig_yaml_are_the_processes_of_the_topology() -> None:
    fig = YAML(typ="safe", pure=True).load(FIG_FILE.read_text())
    ports = {name: spec.port for name, spec in load_topology().processes.items()}
    # All but the gateway, which shoppers reach by themselves and the shop from behind.
    del ports["gateway"]
    assert fig["upstreams"] == {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


def test_the_shop_pays_at_the_gateway_of_the_topology() -> None:
    processes = load_topology().processes
    url = f"http://127.0.0.1:{processes['gateway'].port}"
    assert processes["monolith"].environment["CARD_GATEWAY_URL"] == url
