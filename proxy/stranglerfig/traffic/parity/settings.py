"""Where the sides of parity cases are, and by which rules they are judged: options, else environment, else the ini file."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError

from stranglerfig.compare.rules import RouteRules, Rules, parse_rules
from stranglerfig.config.load import load, read_text
from stranglerfig.config.model import Upstream
from stranglerfig.config.problem import ConfigError
from stranglerfig.routing.path import wsgi_path
from stranglerfig.routing.snapshot import Snapshot, compile_snapshot
from stranglerfig.traffic.parity.case import Case, CaseError, Request

_RULES_NAME, _CONFIG_NAME = "fig.rules.yaml", "fig.yaml"
_MEND = "--fig-control URL --fig-candidate URL, FIG_CONTROL and FIG_CANDIDATE, or fig_control and fig_candidate in the ini file"


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """The rules of one request, and by what name they are known."""

    capability: str
    route: str
    rules: RouteRules
    said: str


class Settings:
    """What one test run was told; files are read once."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.is_strict = bool(config.getoption("fig_strict") or config.getini("fig_strict"))
        self.host = self._said("fig_host")
        self._rules: Rules | None = None
        self._snapshot: Snapshot | None = None

    def _said(self, name: str) -> str:
        given = self._config.getoption(name), os.environ.get(name.upper())
        return next((str(each) for each in (*given, self._config.getini(name)) if each), "")

    @property
    def lacking(self) -> str:
        """Why nobody can be asked, and what to do; empty where both sides are given."""
        names = [each for each in ("control", "candidate") if not self._said(f"fig_{each}")]
        return f"no {' and no '.join(names)} given: {_MEND}" if names else ""

    def side(self, name: str) -> Upstream:
        """Where a side is. Raises ``CaseError``."""
        url = self._said(f"fig_{name}")
        try:
            return Upstream.model_validate({"url": url, "(name)": name})
        except ValidationError as error:
            problem = error.errors()[0]
            said = problem.get("ctx", {})
            message, mend = said.get("message", problem["msg"]), said.get("mend")
            mend = f": {mend}" if mend else ""
            raise CaseError(f"fig_{name}, {url!r}: {message}{mend}") from None

    def judged_by(self, case: Case, request: Request) -> JudgedBy:
        """The rules for a request: of what the case names, else of what fig.yaml beside the rules says. Raises ``CaseError``."""
        try:
            return self._judged_by(case, request)
        except ConfigError as error:
            raise CaseError("\n".join(str(each) for each in error.problems)) from error

    def _judged_by(self, case: Case, request: Request) -> JudgedBy:
        path = self._rules_path()
        if self._rules is None:
            self._rules = Rules() if path is None else parse_rules(read_text(path), path)
        capability, route = case.capability, case.route
        beside = None if path is None else path.with_name(_CONFIG_NAME)
        if not route and beside is not None and beside.exists():
            if self._snapshot is None:
                self._snapshot = compile_snapshot(load(beside).config, {}, 0)
            claim = self._snapshot.table.match(
                request.method, wsgi_path(request.target.encode("ascii"))
            )
            if claim is not None and capability in ("", claim.capability):
                capability, route = claim.capability, claim.text
        of = " ".join(each for each in (capability, f"({route})" if route else "") if each)
        said = "no rules" if path is None else f"by {path.name}, {of or 'no capability'}"
        return JudgedBy(capability, route, self._rules.for_route(capability, route), said)

    def _rules_path(self) -> Path | None:
        root = self._config.rootpath
        if named := self._said("fig_rules"):
            # What is typed is meant from here, what stands in the ini file from the root.
            is_typed = self._config.getoption("fig_rules") or os.environ.get("FIG_RULES")
            return Path(named).absolute() if is_typed else root / named
        return path if (path := root / _RULES_NAME).exists() else None
