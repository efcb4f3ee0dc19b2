"""The one table of what is counted: names, labels, help texts.

Cells carry the short name (``requests``); Prometheus sees ``fig_requests_total``. A name that is not here cannot be
counted, so that ``/metrics``, ``fig status`` and the code agree. Label values must come from small closed sets (a
capability, a side, a status class, a reason named in the code), never from a request: each combination takes a cell
for good.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: its name, its label names, and what it tells."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    """A gauge is set, not added to: by one process alone, since the cells of all are added up."""
    labels: tuple[str, ...]
    help: str

    @property
    def prometheus_name(self) -> str:
        """The family's name on ``/metrics``; a counter's samples end in ``_total``."""
        return f"fig_{self.name}"


OVERFLOW = "counter_overflow"
REQUESTS = "requests"
FORCED = "forced_requests"
WROTE = "wrote_requests"
UPGRADES = "upgrades"
STREAM_ENDS = "stream_ends"
DURATION = "request_duration_seconds"
HEAD_DURATION = "upstream_head_duration_seconds"
CONNECT_DURATION = "upstream_connect_duration_seconds"
CONNECTIONS = "connections"
REFUSED = "refused_requests"
CLIENT_GONE = "client_gone"
HANDSHAKES_FAILED = "tls_handshakes_failed"
PEMS_READ = "tls_files"
RATE_FORGOTTEN = "rate_clients_forgotten"
ERRORS = "errors"
RETRIES = "retries"
RETRIES_REFUSED = "retries_refused"
FALLBACKS = "fallbacks"
UPSTREAM_CONNECTIONS = "upstream_connections"
UPSTREAM_CHANGES = "upstream_address_changes"
DROPPED_HEADERS = "dropped_headers"
USERS_MINTED = "user_cookies"
COOKIES_WITHHELD = "user_cookies_withheld"
WRITES_REMEMBERED = "writes_remembered"
WRITE_COOKIES_WITHHELD = "write_cookies_withheld"
WRITE_COOKIES_IGNORED = "write_cookies_ignored"
UNITS = "assigned_units"
ASKED = "compare_asked"
TEE_SKIPPED = "compare_tee_skipped"
TEED = "compare_teed"
SKIPPED = "compare_skipped"
RESULTS = "compare_results"
LOST = "compare_lost"
RESTARTS = "process_restarts"
RECEIVED = "compare_received"
NO_ANSWER = "compare_no_answer"
RULE_HITS = "compare_rule_hits"
RULE_HELD = "compare_rule_held"
RULE_MET = "compare_rule_met"
RULE_MET_AT = "compare_rule_met_timestamp_seconds"
EXPECTED_UNSEEN = "compare_expected_unseen"
ASKED_AGAIN = "compare_asked_again"
LAG = "compare_lag_seconds"
LAG_CAUSES = "compare_lag_causes"
UNSETTLED = "compare_unsettled"
STORE_ERRORS = "compare_store_errors"
LOG_LINES = "access_log_lines"
LOG_WRITTEN = "access_log_written_lines"
LOG_LOST = "access_log_lost_lines"

_TABLE = (
    Metric(OVERFLOW, "counter", (), "Counts that found no free cell: a label has too many values."),
    Metric(
        REQUESTS,
        "counter",
        ("capability", "stage", "side", "status"),
        "Answered requests: capability ('-' for the fallthrough), effective stage, answering side, status class.",
    ),
    Metric(
        FORCED,
        "counter",
        ("capability", "side", "status"),
        "Requests sent to a side by a signed Fig-Force; kept out of the evidence.",
    ),
    Metric(
        WROTE,
        "counter",
        ("capability", "side", "status"),
        "Of the answered requests, reads that stayed with the side that took their user's write; no evidence.",
    ),
    Metric(
        DURATION,
        "histogram",
        ("capability", "stage", "side"),
        "Time from a request's head read to its answer's last byte handed to the socket; evidence alone.",
    ),
    Metric(
        UPGRADES,
        "counter",
        ("capability", "side"),
        "Of the answered requests, those whose connection became a tunnel, such as a WebSocket (101).",
    ),
    Metric(
        STREAM_ENDS,
        "counter",
        ("kind", "reason"),
        "Tunnels that ended, by what ended them; streams of server-sent events that the proxy ended.",
    ),
    Metric(
        HEAD_DURATION,
        "histogram",
        ("upstream",),
        "Time from a request's head read to the head of the answer read, retries included.",
    ),
    Metric(
        CONNECT_DURATION,
        "histogram",
        ("upstream",),
        "Time until a new upstream connection was open, looking its name up included.",
    ),
    Metric(CONNECTIONS, "counter", (), "Client connections accepted."),
    Metric(REFUSED, "counter", ("reason",), "Requests answered by the proxy itself, by reason."),
    Metric(
        HANDSHAKES_FAILED,
        "counter",
        ("reason",),
        "Clients with which no TLS connection came about: plain_http, no_tls, version, cipher, refused, closed, timeout, other.",
    ),
    Metric(
        PEMS_READ,
        "counter",
        ("result",),
        "Changes of certificates, keys and CAs on disk while running: taken, or refused while the last good ones go on.",
    ),
    Metric(CLIENT_GONE, "counter", (), "Requests whose client left before the answer was whole."),
    Metric(
        RATE_FORGOTTEN,
        "counter",
        (),
        "Clients ahead of their rate that were forgotten early, for want of room.",
    ),
    Metric(
        ERRORS,
        "counter",
        ("upstream", "phase", "kind"),
        "Failed exchanges: upstream ('-' when no upstream is at fault), phase, kind. Not attempts that were followed by another.",
    ),
    Metric(
        RETRIES,
        "counter",
        ("upstream", "when", "result"),
        "Further attempts at an upstream: after what, and how they ended: answered, failed, left (by the client).",
    ),
    Metric(
        RETRIES_REFUSED,
        "counter",
        ("upstream", "reason"),
        "Failures that retries cover and that no further attempt followed: unsafe, attempts, body_too_large, no_time, budget.",
    ),
    Metric(
        FALLBACKS,
        "counter",
        ("capability", "reason", "result"),
        "Failures of a service with a fallback: the failure, or the status it answered with; what became of asking the "
        "other side: answered, failed, left (by the client); or why it was not asked: body_too_large, no_time.",
    ),
    Metric(
        UPSTREAM_CONNECTIONS,
        "counter",
        ("upstream", "use"),
        "Upstream connections taken for an exchange: opened, or reused; poisoned by bytes that no request asked for.",
    ),
    Metric(
        UPSTREAM_CHANGES,
        "counter",
        ("upstream", "change"),
        "Addresses of an upstream whose breaker opened or closed, or that became healthy or unhealthy, by worker.",
    ),
    Metric(DROPPED_HEADERS, "counter", ("reason",), "Request headers dropped, by reason."),
    Metric(USERS_MINTED, "counter", (), "fig_user cookies minted."),
    Metric(
        COOKIES_WITHHELD,
        "counter",
        (),
        "Answers marked for shared caches, on which fig_user was not set.",
    ),
    Metric(WRITES_REMEMBERED, "counter", (), "Answers to unsafe requests that set fig_wrote."),
    Metric(
        WRITE_COOKIES_WITHHELD,
        "counter",
        (),
        "Answers to unsafe requests marked for shared caches, on which fig_wrote was not set.",
    ),
    Metric(
        WRITE_COOKIES_IGNORED,
        "counter",
        ("reason",),
        "fig_wrote cookies that were not believed: oversized, malformed, forged, expired, ahead of the clock.",
    ),
    Metric(
        UNITS,
        "counter",
        ("capability", "unit"),
        "Requests in canary by what the user was recognised by.",
    ),
    Metric(ASKED, "counter", ("capability",), "Requests that were to be compared."),
    Metric(TEED, "counter", ("capability",), "Observations handed to the comparer's pipe."),
    Metric(
        TEE_SKIPPED,
        "counter",
        ("capability", "reason"),
        "Requests to be compared that a worker did not hand over, by reason.",
    ),
    Metric(
        SKIPPED,
        "counter",
        ("capability", "reason"),
        "Observations that the comparer did not judge, by reason.",
    ),
    Metric(
        RESULTS,
        "counter",
        ("capability", "result"),
        "Comparisons by result: equal, different, ignored, lag, noise, no_answer.",
    ),
    Metric(
        LOST,
        "counter",
        ("capability", "process"),
        "Observations lost with the process or the pipe that held them.",
    ),
    Metric(
        RESTARTS,
        "counter",
        ("process",),
        "Workers and comparers that ended by themselves and were started again.",
    ),
    Metric(
        RECEIVED,
        "counter",
        ("capability", "slot"),
        "Observations that the comparer has read or given up, per worker slot: the last sequence number.",
    ),
    Metric(
        NO_ANSWER,
        "counter",
        ("capability", "reason"),
        "Results no_answer by what the other side did: timeout, refused, cut, malformed, too_large.",
    ),
    Metric(RULE_HITS, "counter", ("capability", "rule"), "Differences that a rule covered."),
    Metric(
        RULE_HELD,
        "counter",
        ("capability", "rule", "covers"),
        "Comparisons for which a rule held; covers stands for what it says, and is new when that is changed.",
    ),
    Metric(
        RULE_MET,
        "counter",
        ("capability", "rule", "covers"),
        "Those in which it covered something.",
    ),
    Metric(
        RULE_MET_AT,
        "gauge",
        ("capability", "rule", "covers"),
        "When it last did, in unix seconds.",
    ),
    Metric(
        EXPECTED_UNSEEN,
        "gauge",
        ("capability", "mark"),
        "Comparisons since a difference that is marked as expected was seen last.",
    ),
    Metric(
        ASKED_AGAIN,
        "counter",
        ("capability", "side"),
        "Requests sent once more to settle a difference or to measure noise, by the side that was asked.",
    ),
    Metric(
        LAG,
        "histogram",
        ("capability",),
        "Of differences that healed: the time from the first answer to when both sides were seen to agree.",
    ),
    Metric(
        LAG_CAUSES,
        "counter",
        ("capability", "cause"),
        "Results lag by what moved: candidate_caught_up, control_changed, both_changed, unclear.",
    ),
    Metric(
        UNSETTLED,
        "counter",
        ("capability", "reason"),
        "Results different that were not asked again to the end: busy, late, stopped, no_answer, not_comparable, no_upstream.",
    ),
    Metric(STORE_ERRORS, "counter", (), "Differences that were counted and could not be stored."),
    Metric(
        LOG_LINES,
        "counter",
        (),
        "Lines for the access log; what is neither written nor lost waits.",
    ),
    Metric(LOG_WRITTEN, "counter", (), "Lines of the access log that were written."),
    Metric(
        LOG_LOST,
        "counter",
        ("reason",),
        "Lines of the access log that were lost: queue_full, disk_full, not_writable, stopped, worker_died.",
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}

BUCKET_SUFFIX = "_bucket"
SUM_SUFFIX = "_sum_us"


def _cell_labels() -> dict[str, frozenset[str]]:
    """Which label names a cell of each name carries; a histogram has bucket cells and one sum cell."""
    table: dict[str, frozenset[str]] = {}
    for metric in _TABLE:
        if metric.kind == "histogram":
            table[metric.name + BUCKET_SUFFIX] = frozenset((*metric.labels, "le"))
            table[metric.name + SUM_SUFFIX] = frozenset(metric.labels)
        else:
            table[metric.name] = frozenset(metric.labels)
    return table


CELL_LABELS = _cell_labels()
