"""``python -m fuzzing``: each target in turn for its share of the time, one process at a time; then what came out.

Exit 0 if nothing was found, also when it was stopped with Ctrl-C; 1 with a finding, which is kept as a case of
``test_found.py``; 2 for wrong arguments. The corpus stays in the folder, and the next run goes on from it.
"""

import argparse
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzzing import findings, seeds
from fuzzing.planted import BUGS, plant
from fuzzing.targets import TARGETS, Target

_LINE: Final = re.compile(r"#(\d+)\s+(\w+)\s+cov: (\d+) ft: (\d+) corp: (\d+)/")
_EXECUTED: Final = re.compile(r"stat::number_of_executed_units: (\d+)")
_SLOWEST_S: Final = 20  # more is a finding too: nothing of this kind may take long
_MAX_MB: Final = 1024


@dataclass
class Outcome:
    """What one target's run came to."""

    target: str
    seconds: float = 0.0
    executions: int = 0
    edges: int = 0
    features: int = 0
    corpus: int = 0
    ended: str = "finished"
    found: Sequence[Path] = ()

    def __str__(self) -> str:
        return (
            f"{self.target:10} {self.seconds:6.0f} s {self.executions:10,} executions {self.edges:5} edges "
            f"{self.features:6} features {self.corpus:5} inputs  {self.ended}"
        )


class Run:
    """One target's process, and where its files are."""

    def __init__(self, name: str, folder: Path, options: Sequence[str], plant: str | None) -> None:
        self.name = name
        self.target: Target = TARGETS[name]
        self._folder = folder
        self._options = options
        self._plant = plant
        self.corpus = folder / "corpus" / name
        self._broken = folder / "broken" / name
        self._log = folder / "logs" / f"{name}.log"

    def go(self) -> Outcome:
        """Fuzz, keep what was found, and make the corpus small."""
        outcome = Outcome(self.name)
        began = time.monotonic()
        self._prepare()
        with self._log.open("w") as log:
            try:
                for line in self._lines(self._command()):
                    log.write(line)
                    self._note(line, outcome)
            except KeyboardInterrupt:
                outcome.ended = "stopped"
        outcome.seconds = time.monotonic() - began
        outcome.found = [self._keep(file) for file in sorted(self._broken.iterdir())]
        if outcome.found:
            outcome.ended = "FOUND: " + ", ".join(file.stem for file in outcome.found)
        elif outcome.ended == "finished" and not outcome.executions:
            outcome.ended = f"DID NOT RUN: see {self._log}"
        elif outcome.ended == "finished":
            self._minimise()
            outcome.corpus = len(list(self.corpus.iterdir()))
        return outcome

    def _prepare(self) -> None:
        shutil.rmtree(self._broken, ignore_errors=True)
        for folder in (self.corpus, self._broken, self._log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        # A bug that was put in must be searched for: what would show it at once is left out.
        begin = (
            seed
            for seed in self.target.seeds()
            if not self._plant or findings.fault_of(self.target.check, seed) is None
        )
        seeds.write(begin, self._folder / "seeds" / self.name)
        seeds.write_words(self._folder / "words")

    def _command(self, *more: str) -> list[str]:
        planted = ["--plant", self._plant] if self._plant else []
        return [
            sys.executable, "-m", "fuzzing.fuzz_one", *planted, self.name,
            f"-dict={self._folder / 'words'}", f"-max_len={self.target.max_bytes}", f"-timeout={_SLOWEST_S}",
            f"-rss_limit_mb={_MAX_MB}", f"-artifact_prefix={self._broken}/", "-len_control=0", "-keep_seed=1",
            "-print_final_stats=1", *self._options, *more, str(self.corpus), str(self._folder / "seeds" / self.name),
        ]  # fmt: skip

    def _lines(self, command: Sequence[str]) -> Iterator[str]:
        """What a process says, line by line. Ctrl-C ends it too, and is raised when it has ended."""
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # so that it gets one SIGINT and not two
        )
        assert process.stderr is not None
        try:
            yield from process.stderr
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            for _ in process.stderr:  # it may have more to say, and must not wait for a reader
                pass
            process.wait()

    def _note(self, line: str, outcome: Outcome) -> None:
        if said := _LINE.match(line):
            outcome.executions = int(said[1])
            outcome.edges, outcome.features, outcome.corpus = (int(said[at]) for at in (3, 4, 5))
        elif executed := _EXECUTED.match(line):
            outcome.executions = int(executed[1])

    def _keep(self, broken: Path) -> Path:
        data = findings.shrink(self.target.check, broken.read_bytes())
        return findings.write(self.name, data, self._found_folder)

    @property
    def _found_folder(self) -> Path:
        """Findings of a planted bug are no cases for our own code."""
        return self._folder / "planted" if self._plant else findings.FOUND

    def _minimise(self) -> None:
        """Keep the fewest inputs that go through the same edges."""
        small = self.corpus.with_name(f"{self.name}.small")
        shutil.rmtree(small, ignore_errors=True)
        small.mkdir()
        command = [
            sys.executable, "-m", "fuzzing.fuzz_one", self.name, "-merge=1", f"-artifact_prefix={self._broken}/",
            str(small), str(self.corpus), str(self._folder / "seeds" / self.name),
        ]  # fmt: skip
        for _ in self._lines(command):
            pass
        if any(small.iterdir()):
            shutil.rmtree(self.corpus)
            small.rename(self.corpus)


def main() -> int:
    """Fuzz the targets that were asked for."""
    asked = _arguments()
    if asked.plant:
        plant(asked.plant)  # here too, where findings are made short
    chosen = {name: TARGETS[name] for name in asked.target or TARGETS}
    whole = sum(target.share for target in chosen.values())
    folder = Path(asked.folder).absolute()
    outcomes: list[Outcome] = []
    for name, target in chosen.items():
        limit = (
            f"-runs={asked.runs}"
            if asked.runs
            else f"-max_total_time={max(1, round(asked.seconds * target.share / whole))}"
        )
        options = [limit, *([f"-seed={asked.seed}"] if asked.seed else [])]
        _say(f"{name}: {limit.removeprefix('-')}")
        outcomes.append(Run(name, folder, options, asked.plant).go())
        _say(str(outcomes[-1]))
        if outcomes[-1].ended == "stopped":
            break
    return _sum_up(outcomes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=(__doc__ or "").split("\n")[0])  # fmt: skip
    parser.add_argument("--seconds", type=_positive, default=3600, help="for all targets together")
    parser.add_argument(
        "--runs", type=_positive, help="executions of each target, in place of a time"
    )
    parser.add_argument("--seed", type=_positive, help="of libFuzzer's random numbers")
    parser.add_argument("--folder", default=".fuzz", help="where corpora and logs are kept")
    parser.add_argument(
        "--plant", choices=BUGS, help="a bug that is put in, to see whether it is found"
    )
    parser.add_argument(
        "target",
        nargs="*",
        metavar="TARGET",
        help=f"of {', '.join(TARGETS)}; all, if none is named",
    )
    asked = parser.parse_args()
    if unknown := set(asked.target) - set(TARGETS):
        parser.error(
            f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}"
        )
    return asked


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return number


def _sum_up(outcomes: Sequence[Outcome]) -> int:
    found = [file for outcome in outcomes for file in outcome.found]
    failed = [outcome for outcome in outcomes if outcome.ended.startswith("DID NOT")]
    _say("")
    for outcome in outcomes:
        _say(str(outcome))
    seconds = sum(outcome.seconds for outcome in outcomes)
    executions = sum(outcome.executions for outcome in outcomes)
    _say(f"{'all':10} {seconds:6.0f} s {executions:10,} executions; findings: {len(found)}")
    for file in found:
        _say(f"{file}\n  reproduce: pytest tests/fuzzing/test_found.py -k {file.stem}")
    return 1 if found or failed else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
