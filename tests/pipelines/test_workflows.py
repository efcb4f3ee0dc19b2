"""The workflows cover the house: every file that changes is tested by somebody, with everything that its tests need."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflows import (
    ENVIRONMENTS,
    FOLDER,
    ROOT,
    WHOLE,
    Mistake,
    Part,
    parts_of,
    read_parts,
    write_workflows,
)

PARTS = read_parts()
MAKEFILE = (ROOT / "Makefile").read_text()
# Both shapes, whatever has a Dockerfile by now.
LIBRARY = Part("chassis", (), (), ("SQLite", "PostgreSQL"), is_image=False)
SERVICE = Part("extracted/shopsmart/catalog", ("chassis",), (), ("SQLite",), is_image=True)
WRITTEN = {**write_workflows(PARTS), **write_workflows([SERVICE])}


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(WRITTEN[f"{FOLDER}/{name}.yml"])
    return found


def triggers(name: str) -> dict[str, Any]:
    """YAML reads the word `on` as True."""
    found: dict[str, Any] = workflow(name)[True]
    return found


def listed(variable: str) -> list[str]:
    found = re.search(rf"^{variable} := (.*)$", MAKEFILE, re.MULTILINE)
    assert found
    return found[1].split()


def tracked() -> list[str]:
    listed = ["git", "ls-files"]
    return subprocess.run(
        listed, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()


def covers(paths: list[str], file: str) -> bool:
    """As the hosted CI reads these patterns, of which there are two kinds."""
    return any(
        file.startswith(path.removesuffix("**")) if path.endswith("/**") else file == path
        for path in paths
    )


def test_the_list_is_makes_list() -> None:
    assert sorted(part.path for part in PARTS) == sorted(listed("PARTS"))
    on_postgresql = [part.path for part in PARTS if "PostgreSQL" in part.databases]
    assert sorted(on_postgresql) == sorted(listed("ON_POSTGRESQL"))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.path)
def test_a_part_is_installed_with_what_its_manifest_names(part: Part) -> None:
    manifests = {
        other.path: tomllib.loads((ROOT / other.path / "pyproject.toml").read_text())["project"]
        for other in PARTS
    }
    paths = {manifest["name"]: path for path, manifest in manifests.items()}
    wanted: set[str] = set()
    waiting = [part.path]
    while waiting:
        for words in manifests[waiting.pop()]["dependencies"]:
            path = paths.get(re.split(r"[<>=~!\[ ]", words)[0])
            if path and path not in wanted:
                wanted.add(path)
                waiting.append(path)
    assert set(part.needs) == wanted


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.path)
def test_what_its_tests_import_or_start_is_installed(part: Part) -> None:
    """By the names of the packages that each part brings, as its manifest lists them."""
    text = "\n".join(file.read_text() for file in (ROOT / part.path).rglob("*.py"))
    for other in PARTS:
        if other.path in part.installed:
            continue
        manifest = tomllib.loads((ROOT / other.path / "pyproject.toml").read_text())
        for package in manifest["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
            used = re.findall(
                rf'^\s*(?:from|import) {package}\b|"-m", "{package}"', text, re.MULTILINE
            )
            assert used == [], f"{part.path} uses {package} of {other.path}"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.path)
def test_every_file_of_a_part_and_of_what_it_needs_starts_its_workflow(part: Part) -> None:
    for event in ("push", "pull_request"):
        paths = triggers(part.name)[event]["paths"]
        for file in tracked():
            if any(file.startswith(f"{path}/") for path in part.installed):
                assert covers(paths, file), file
        for file in ("Makefile", "constraints.txt", "requirements-dev.txt"):
            assert covers(paths, file), file
        assert covers(paths, f"{FOLDER}/{part.name}.yml")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.path)
def test_a_part_is_left_alone_by_changes_elsewhere(part: Part) -> None:
    paths = triggers(part.name)["push"]["paths"]
    for other in PARTS:
        assert covers(paths, f"{other.path}/pyproject.toml") == (other.path in part.installed)
    assert not covers(paths, "docs/architecture.md")


def test_every_path_that_is_named_exists() -> None:
    files = tracked()
    for part in PARTS:
        for path in part.paths:
            if path != ".dockerignore" and not path.startswith(FOLDER):
                assert any(covers([path], file) for file in files), path


def test_the_whole_is_started_by_every_file() -> None:
    """So none is tested by nobody."""
    started = triggers(WHOLE)
    assert started["push"] == {"branches": ["main"]}
    assert started["pull_request"] is None
    (job,) = workflow(WHOLE)["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]


@pytest.mark.parametrize("path", WRITTEN)
def test_every_job_has_few_rights_and_an_end(path: str) -> None:
    read = yaml.safe_load(WRITTEN[path])
    assert read["permissions"] == {}
    for job in read["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert 0 < job["timeout-minutes"] <= 90
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
    # The tag stands beside the commit, for people.
    for line in WRITTEN[path].splitlines():
        if "uses:" in line:
            assert re.search(r"  # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", WRITTEN)
def test_steps_are_make_targets(path: str) -> None:
    for job in yaml.safe_load(WRITTEN[path])["jobs"].values():
        for step in job["steps"]:
            if (command := step.get("run", ".ci/run")) != ".ci/run":
                target = re.fullmatch(
                    r'make ([a-z-]+)(?: [A-Z]+=(?:[\w/.-]+|"[\w/. -]+"))+', command
                )
                assert target, command
                assert re.search(rf"^{target[1]}:", MAKEFILE, re.MULTILINE), command


def test_a_part_without_a_dockerfile_is_tested_alone() -> None:
    (path, text) = next(iter(write_workflows([LIBRARY]).items()))
    assert path == f"{FOLDER}/chassis.yml"
    assert list(yaml.safe_load(text)["jobs"]) == ["test"]
    assert yaml.safe_load(text)["jobs"]["test"]["strategy"]["matrix"] == {
        "python": ["3.11", "3.12", "3.13"],
        "database": ["SQLite", "PostgreSQL"],
    }


def test_what_is_deployed_is_the_digest_of_the_one_image_that_was_built() -> None:
    jobs = workflow(SERVICE.name)["jobs"]
    assert list(jobs) == ["test", "image", *ENVIRONMENTS]
    assert (
        sum("make image" in step.get("run", "") for job in jobs.values() for step in job["steps"])
        == 1
    )
    assert jobs["image"]["needs"] == "test"
    assert (jobs["staging"]["needs"], jobs["production"]["needs"]) == (
        "image",
        ["image", "staging"],
    )
    assert jobs["image"]["outputs"] == {"image": "${{ steps.push.outputs.image }}"}
    assert [step.get("id") for step in jobs["image"]["steps"]][-1] == "push"
    for environment in ENVIRONMENTS:
        job = jobs[environment]
        assert job["environment"] == environment
        assert job["if"] == "${{ needs.image.outputs.image != '' }}"
        assert job["concurrency"]["cancel-in-progress"] is False
        last = job["steps"][-1]
        assert last["run"] == f"make deploy PART={SERVICE.path} TO={environment}"
        assert last["env"]["IMAGE"] == "${{ needs.image.outputs.image }}"


def test_an_image_has_been_well_before_it_is_pushed() -> None:
    runs = [step.get("run", "") for step in workflow(SERVICE.name)["jobs"]["image"]["steps"]]
    made = [f"make {target} PART={SERVICE.path}" for target in ("image", "try-image", "push-image")]
    assert [run for run in runs if run] == made


@pytest.mark.parametrize("part", [part for part in PARTS if part.is_image], ids=lambda p: p.path)
def test_every_image_says_what_it_is_tried_out_with(part: Part) -> None:
    trial = tomllib.loads((ROOT / part.path / "pyproject.toml").read_text())["tool"]["trial"]
    assert set(trial) <= {"environment", "prepare"}


@pytest.mark.parametrize("path", WRITTEN)
def test_on_main_no_run_waits_for_another(path: str) -> None:
    """One that waits for somebody's yes would keep later changes from being tested."""
    group = yaml.safe_load(WRITTEN[path])["concurrency"]["group"]
    assert group.endswith(
        "-${{ github.event_name == 'pull_request' && github.ref || github.run_id }}"
    )


def test_no_mark_of_the_templates_is_left() -> None:
    for text in WRITTEN.values():
        assert not re.search(r"<[a-z-]+>|# \[", text)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"path": "proxy", "need": ["chassis"]}, "parts.yaml, proxy: nobody reads need"),
        ({"path": "docs"}, "parts.yaml, docs: there is no such folder with a pyproject.toml"),
        ({"needs": []}, "a row without a path"),
        ({"path": "proxy", "needs": ["chasis"]}, "it needs chasis, which is no part"),
        ({"path": "proxy", "databases": ["MySQL"]}, "not MySQL"),
    ],
)
def test_a_row_that_cannot_be_meant_so_is_told(row: dict[str, Any], says: str) -> None:
    with pytest.raises(Mistake, match=re.escape(says)):
        parts_of([row])


@pytest.mark.parametrize("name", ["part.yml", "whole.yml"])
def test_a_template_is_yaml_itself(name: str) -> None:
    """So editors and yamllint read it."""
    template = Path(ROOT, ".github/pipelines", name).read_text()
    assert "jobs" in yaml.safe_load(template)
