"""The topology is what the demo starts and what fig.yaml points at."""

import re
from pathlib import Path

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


def test_the_upstreams_of_fig_yaml_are_processes_of_the_topology() -> None:
    fig = YAML(typ="safe", pure=True).load(FIG_FILE.read_text())
    ports = load_topology().ports
    assert fig["upstreams"] == {
        name: f"http://127.0.0.1:{ports[name]}" for name in ("monolith", "catalog")
    }


def test_whoever_is_asked_is_a_process_of_the_topology_and_every_secret_is_made() -> None:
    topology = load_topology()
    ports = topology.ports
    asked = {"CARD_GATEWAY_URL": "gateway", "CHASSIS_SOURCE_URL": "monolith"}
    for spec in topology.processes.values():
        for name, value in topology.environment(spec).items():
            if name in asked:
                assert value == f"http://127.0.0.1:{ports[asked[name]]}"
            if name.endswith("_FILE"):
                assert Path(value).name in topology.secrets
