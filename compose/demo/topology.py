"""Reads ``compose/topology.yaml``: which processes make the system, and how each is prepared and started."""

import shlex
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
TOPOLOGY_FILE = ROOT / "compose" / "topology.yaml"
FIG_FILE = ROOT / "compose" / "fig.yaml"
RULES_FILE = ROOT / "compose" / "fig.rules.yaml"


class ProcessSpec(BaseModel):
    """One process as written in the topology; ``{…}`` in its texts is filled in by ``Topology.fill``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    folder: str
    port: int | None = None
    """None: it answers nobody."""
    ready: str | None = None
    """The path that answers 200 when it is ready."""
    environment: dict[str, str] = {}
    prepare: tuple[str, ...] = ()
    serve: str


class Topology(BaseModel):
    """All processes, in starting order, and the folder that holds what they leave behind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    secrets: tuple[str, ...] = ()
    processes: dict[str, ProcessSpec]

    @property
    def state_dir(self) -> Path:
        return ROOT / self.state

    @property
    def ports(self) -> dict[str, int]:
        """Of the processes that have one."""
        return {name: spec.port for name, spec in self.processes.items() if spec.port is not None}

    def fill(self, spec: ProcessSpec, text: str) -> str:
        """Replace ``{python}``, ``{state}`` and ``{port}`` in one text of ``spec``."""
        return text.format(python=sys.executable, state=self.state_dir, port=spec.port)

    def command(self, spec: ProcessSpec, text: str) -> list[str]:
        """One command line as a list of words; split first, so that paths may hold spaces."""
        return [self.fill(spec, word) for word in shlex.split(text)]

    def environment(self, spec: ProcessSpec) -> dict[str, str]:
        """What ``spec`` adds to the environment."""
        return {name: self.fill(spec, value) for name, value in spec.environment.items()}


def load_topology(file: Path = TOPOLOGY_FILE) -> Topology:
    """Read and validate the topology. Raises pydantic's ``ValidationError`` naming the key that is wrong."""
    return Topology.model_validate(YAML(typ="safe", pure=True).load(file.read_text()))
