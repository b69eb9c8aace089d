"""What every command that needs a host of its own does around it.

Thread: the main thread.
Errors: LabError.
"""

import shutil

from lab.remains import clean_leftovers
from lab.session import LabError, Session


def run_in_session(make, options, tell):
    """Runs make(session, options, tell).run() in a session of its own, and
    returns its result.  Logs of a run that failed are kept if asked for."""
    clean_leftovers()
    with Session() as session:
        try:
            return make(session, options, tell).run()
        except LabError:
            if options.keep_logs:
                shutil.copytree(session.dir / "log", options.keep_logs,
                                dirs_exist_ok=True)
            raise
