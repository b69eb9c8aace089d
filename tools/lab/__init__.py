"""A network lab on one machine: what the demo, the benchmarks and the system
tests share.  Needs root, and Debian packages only.

session  processes, namespaces, links, and their end
remains  what a run has on the machine, and removing it
net      interfaces, counters, frames
traffic  ping and iperf3
world    the network behind the tenants' VFs
host     a netdom host: database, stand-in for Xen, controller, guests
plot     lines over time as SVG
"""

from lab.remains import clean_leftovers
from lab.session import (Interrupted, LabError, Session, end_on_signals,
                         wait_for)

__all__ = ["Interrupted", "LabError", "Session", "clean_leftovers",
           "end_on_signals", "wait_for"]
