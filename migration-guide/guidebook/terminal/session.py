"""Run as a program: makes its standard input its controlling terminal, and becomes the command given.

A program of its own because the runner has threads, and a process with threads must do nothing between fork and exec.
"""

import fcntl
import os
import sys
import termios


def main() -> None:
    """Become the leader of a session whose terminal is the standard input, then the command."""
    os.setsid()
    fcntl.ioctl(sys.stdin.fileno(), termios.TIOCSCTTY, 0)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 — it is bash that is started


if __name__ == "__main__":
    main()
