"""One terminal: bash, interactive, on a pseudo-terminal that a thread reads all the time.

Interactive, so that it does what the reader's does: each command in a process group of its own, Ctrl-C to that in front.
Without line editing and echo: the page says what is typed, and what comes back is output alone.
"""

import contextlib
import fcntl
import os
import secrets
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from guidebook.terminal import session
from guidebook.terminal.screen import render
from guidebook.terminal.stream import Stream

COLUMNS, ROWS = 100, 50
_READ_BYTES = 65536
_START_WITHIN_S = 30.0
_STOP_WITHIN_S = 5.0
_HANG_UP_WITHIN_S = 2.0
_CTRL_C = b"\x03"


class ShellEndedError(Exception):
    """The shell itself is gone: `exit` was typed, or somebody killed it."""


class TooLongError(Exception):
    """Nothing came in time, and the command still runs. `output` is what it has written."""

    def __init__(self, output: "Output") -> None:
        super().__init__("it took too long")
        self.output = output


class LateError(Exception):
    """A command had ended, and the terminal wrote on before the next was typed: a job in the background."""

    def __init__(self, output: "Output") -> None:
        super().__init__("it wrote more after its end")
        self.output = output


class MistypedError(Exception):
    """The shell and the page disagree where the command ends: ``line`` (from 0) of what was typed."""

    def __init__(self, line: int, *, wants_more: bool) -> None:
        super().__init__("more is wanted" if wants_more else "it had ended before")
        self.line = line
        self.wants_more = wants_more


@dataclass(frozen=True, slots=True)
class Output:
    """What a command wrote, as lines; ``dropped`` bytes were too many to keep."""

    lines: tuple[str, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A command that ended."""

    exit: int
    output: Output


class Terminal:
    """A shell in ``folder``. What runs in it and does not end is in front until `interrupt`."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._stream = Stream(f"guide-{secrets.token_hex(8)}")
        self._changed = threading.Condition()
        self._ended = False
        self._master, slave = os.openpty()
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            modes = termios.tcgetattr(slave)
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(slave, termios.TCSANOW, modes)
            self._modes = modes
            with tempfile.NamedTemporaryFile("w", prefix="guide-", suffix=".bashrc") as settings:
                settings.write(self._settings())
                settings.flush()
                self._shell = self._start(Path(settings.name), folder, environment, slave)
                self._reader = threading.Thread(
                    target=self._read, name=f"terminal {name}", daemon=True
                )
                self._reader.start()
                self._await(lambda: bool(self._stream.prompts), _START_WITHIN_S)
        finally:
            os.close(slave)
        if self.is_busy():
            self.close()
            raise ShellEndedError(f"the shell of terminal {name} does not start")

    @property
    def pid(self) -> int:
        """The shell's."""
        return self._shell.pid

    def run(self, typed: Sequence[str], within_s: float) -> Answer:
        """Type a command and wait for its end. Raises Late-, TooLong-, Mistyped- or ShellEndedError."""
        deadline = time.monotonic() + within_s
        self.type(typed, within_s)
        return self._finish(deadline)

    def type(self, typed: Sequence[str], within_s: float) -> None:
        """Type a command, line by line as the shell asks for them; raises as `run` does.

        Returns when the last line is typed.
        """
        deadline = time.monotonic() + within_s
        termios.tcsetattr(self._master, termios.TCSANOW, self._modes)
        with self._changed:
            if late := self.late():
                raise LateError(late)
            self._stream.begin()
        for place, line in enumerate(typed):
            if place:
                self._await_in_time(deadline)
                with self._changed:
                    prompt = self._stream.prompts.pop()
                if prompt.exit is not None:
                    raise MistypedError(place, wants_more=False)
            self._write(line.encode() + b"\n")

    def wait_for(self, enough: Callable[[Output], bool], within_s: float) -> Output:
        """Wait until what is written is enough, and let it run on. Raises TooLongError, or ShellEndedError.

        If the command ends before, `is_busy` is false afterwards.
        """
        self._await(lambda: bool(self._stream.prompts) or enough(self.output()), within_s)
        output = self.output()
        if self.is_busy() and not enough(output):
            raise TooLongError(output)
        return output

    def interrupt(self, within_s: float) -> Answer:
        """Press Ctrl-C and wait for the end. What is written from now on is the answer's output."""
        with self._changed:
            self._stream.begin()
        self._write(_CTRL_C)
        return self._finish(time.monotonic() + within_s)

    def is_busy(self) -> bool:
        """Is a command in front that has not ended?"""
        with self._changed:
            return not self._stream.prompts and not self._ended

    def last_exit(self) -> int:
        """The code of the command that ended."""
        with self._changed:
            return (self._stream.prompts[-1].exit or 0) if self._stream.prompts else 0

    def output(self) -> Output:
        """What the last command has written so far."""
        with self._changed:
            return Output(tuple(render(self._stream.written)), self._stream.dropped)

    def late(self) -> Output | None:
        """What came when the last command had ended, if something did."""
        with self._changed:
            written = self._stream.late
            return Output(tuple(render(written))) if written else None

    def stop(self, within_s: float = _STOP_WITHIN_S) -> None:
        """End what is in front as its user would, if it lets itself be ended so."""
        with contextlib.suppress(ShellEndedError, TooLongError, MistypedError):
            if self.is_busy():
                self.interrupt(within_s)

    def close(self) -> None:
        """End the shell, as closing its window would, and give the pseudo-terminal back.

        For when nobody else is in the terminal any more.
        """
        with contextlib.suppress(ProcessLookupError):
            self._shell.send_signal(signal.SIGHUP)
        try:
            self._shell.wait(_HANG_UP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()
        self._reader.join(_HANG_UP_WITHIN_S)
        with contextlib.suppress(OSError):
            os.close(self._master)

    def _start(
        self, settings: Path, folder: Path, environment: Mapping[str, str], slave: int
    ) -> "subprocess.Popen[bytes]":
        program = [sys.executable, "-I", str(session.__file__)]
        bash = ["bash", "--noprofile", "--rcfile", str(settings), "--noediting", "-i"]
        return subprocess.Popen(
            program + bash,
            cwd=folder,
            env=dict(environment),
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )

    def _settings(self) -> str:
        ended, more = self._stream.prompt("$?"), self._stream.prompt("")
        return (
            "unset HISTFILE MAILCHECK\n"
            "set +H +o history\n"
            f"PS1='{ended}' PS2='{more}'\n"
            # A virtual environment that is activated puts its name before the prompt.
            f"PROMPT_COMMAND=$'PS1=\\'{ended}\\' PS2=\\'{more}\\''\n"
        )

    def _finish(self, deadline: float) -> Answer:
        self._await_in_time(deadline)
        with self._changed:
            code = self._stream.prompts[-1].exit
        if code is None:
            raise MistypedError(-1, wants_more=True)
        return Answer(code, self.output())

    def _await_in_time(self, deadline: float) -> None:
        self._await(lambda: bool(self._stream.prompts), deadline - time.monotonic())
        with self._changed:
            came = bool(self._stream.prompts)
        if not came:
            raise TooLongError(self.output())

    def _await(self, done: Callable[[], bool], within_s: float) -> None:
        """Wait until ``done`` or the time is over. Raises ShellEndedError."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or done(), timeout=max(0.0, within_s))
            if self._ended and not done():
                raise ShellEndedError(f"the shell of terminal {self.name} has ended")

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except OSError as error:
                raise ShellEndedError(f"the shell of terminal {self.name} has ended") from error

    def _read(self) -> None:
        while True:
            try:
                select.select([self._master], [], [])
                data = os.read(self._master, _READ_BYTES)
            except (OSError, ValueError):  # EIO: nobody has the other end any more
                data = b""
            with self._changed:
                self._ended = not data
                if data:
                    self._stream.feed(data)
                self._changed.notify_all()
            if not data:
                return
