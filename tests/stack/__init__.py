"""The whole system as real processes on free ports: the shop, its catalogue service, the proxy in front.

    stack = Stack.start(tmp_path, data=seeded)      # `seeded`: session fixture of tests/conftest.py
    stack.monolith_url, stack.service_url, stack.proxy_url, stack.admin_url
    stack.fig("set", "catalog", "canary", "50", "--why", "a test")     # CompletedProcess; raises when it fails
    stack.monolith.pid, stack.service.worker_pids(), stack.proxy.pid   # yours to kill
    stack.monolith.access()                         # gunicorn's access log, read: list of AccessLine
    stack.data.monolith, stack.data.service         # databases: .rows(query), .run(*statements)
    stack.stop()                                    # or use it in a `with`

Every process is a real one and ends with the stack. Folders are temporary; nothing is shared between stacks but the
seeded databases, which each stack copies.
"""

from stack.access_log import AccessLine
from stack.data import SeededData
from stack.database import Database
from stack.process import Process
from stack.system import Stack

__all__ = ["AccessLine", "Database", "Process", "SeededData", "Stack"]
