"""A change that can't be made, as every caller of it is told."""


class ChangeError(Exception):
    """What can't be done, and how to mend it; ``status`` is the HTTP status that says so."""

    def __init__(
        self, status: int, message: str, mend: str, problems: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.mend = mend
        self.problems = problems


def unknown_capability(capability: str, known: list[str]) -> ChangeError:
    """Say which capabilities there are."""
    return ChangeError(
        404,
        f"there is no capability {capability!r}",
        f"the config has {', '.join(sorted(known)) or 'none'}",
    )
