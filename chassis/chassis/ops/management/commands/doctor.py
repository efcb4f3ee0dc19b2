"""`manage.py doctor`: what stands in the way of a migration, and where each URL goes."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chassis.environment import read_secret
from chassis.ops.doctor.checks import CHECKS, examine
from chassis.ops.doctor.finding import Finding, Level
from chassis.ops.doctor.proxy import Proxy, ProxyError, connect
from chassis.ops.doctor.routes.asking import compare
from chassis.ops.doctor.routes.check import findings
from chassis.ops.doctor.routes.listing import text_of
from chassis.ops.doctor.routes.verdict import Word
from chassis.ops.doctor.routes.walking import UrlconfError
from chassis.ops.doctor.showing import findings_as_text, routes_as_json

_WORDS = {
    "claimed": Word.CLAIMED,
    "partly": Word.PARTLY,
    "unclaimed": Word.UNCLAIMED,
    "unreachable": Word.UNREACHABLE,
    "unknown": Word.UNKNOWN,
}


class Command(BaseCommand):
    help = (
        "Look for what stands in the way of a migration, and say how to mend it. With --routes: where the proxy sends "
        "requests for each pattern of the URLconf. Changes nothing. Exit codes: 0 no problem, 1 a problem, or nobody "
        "answers, 2 usage or settings."
    )
    # What is wrong with the project is what is to be told, so nothing may stop the command before.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "check", nargs="*", help=f"These checks alone: {', '.join(CHECKS)}. Default: all."
        )
        parser.add_argument(
            "--fig",
            metavar="URL",
            help="The proxy's admin address, such as http://127.0.0.1:8001. Default: FIG_ADMIN_URL.",
        )
        parser.add_argument(
            "--routes",
            action="store_true",
            help="List the URLconf as claimed, unclaimed and unreachable.",
        )
        parser.add_argument(
            "--only",
            action="append",
            choices=_WORDS,
            help="With --routes: these patterns alone; may be given again.",
        )
        parser.add_argument(
            "--all", action="store_true", help="With --routes: a line for every pattern."
        )
        parser.add_argument(
            "--urlconf", metavar="MODULE", help="With --routes: instead of ROOT_URLCONF."
        )
        parser.add_argument("--strict", action="store_true", help="Exit code 1 for warnings too.")
        parser.add_argument("--json", action="store_true", help="Print the result as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        self._refuse_nonsense(options)
        try:
            found = self._list(options) if options["routes"] else self._examine(options)
        except ProxyError as error:
            raise CommandError(
                f"{error}. Mend: {error.mend}", returncode=2 if error.is_usage else 1
            ) from error
        except (ImproperlyConfigured, UrlconfError) as error:
            raise CommandError(str(error), returncode=2) from error
        worst = max((finding.level.rank for finding in found), default=0)
        limit = Level.WARNING if options["strict"] else Level.PROBLEM
        if worst >= limit.rank:
            raise SystemExit(1)

    def _refuse_nonsense(self, options: dict[str, Any]) -> None:
        unknown = [name for name in options["check"] if name not in CHECKS]
        if unknown:
            known = ", ".join(CHECKS)
            raise CommandError(f"there is no check {unknown[0]!r}; there are {known}", returncode=2)
        if options["routes"] and options["check"]:
            raise CommandError("--routes lists routes, and makes no checks", returncode=2)
        if not options["routes"]:
            for name in ("only", "all", "urlconf"):
                if options[name]:
                    raise CommandError(f"--{name} goes with --routes", returncode=2)

    def _proxy(self, options: dict[str, Any]) -> Proxy | None:
        url = options["fig"] or read_secret("FIG_ADMIN_URL")
        return connect(url) if url else None

    def _examine(self, options: dict[str, Any]) -> list[Finding]:
        proxy = self._proxy(options)
        found = list(examine(options["check"] or CHECKS, proxy))
        if options["json"]:
            self._write_json({"findings": [finding.as_json() for finding in found]})
        else:
            self.stdout.write(findings_as_text(found, was_asked=proxy is not None))
        return found

    def _list(self, options: dict[str, Any]) -> list[Finding]:
        proxy = self._proxy(options)
        if proxy is None:
            raise CommandError(
                "say where the proxy is: --fig http://127.0.0.1:8001 (what fig.yaml calls admin), or FIG_ADMIN_URL",
                returncode=2,
            )
        found = compare(proxy, options["urlconf"])
        only = [_WORDS[word] for word in options["only"] or ()]
        if options["json"]:
            self._write_json(routes_as_json(found, only))
        else:
            self.stdout.write(text_of(found, only, whole=options["all"]))
        return list(findings(found))

    def _write_json(self, value: object) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False))
