"""netdom-bench's command line, and the frame around each command: where its
result goes, and what the exit status says.

Thread: the main thread.
Errors: exit status 2 and one line on stderr.
"""

import argparse
import os
import sys

from bench import isolation, offload, qos_cost, rate, receive_delay
from lab.session import Interrupted, LabError, end_on_signals

EXIT_OK, EXIT_MISSED, EXIT_COULD_NOT_RUN = 0, 1, 2

# A command's module has NAME, SUMMARY, DESCRIPTION, add_options(parser) and
# run(options, tell) -> Result.
COMMANDS = (rate, offload, qos_cost, receive_delay, isolation)

EPILOG = """\
exit status: 0 every goal was reached; 1 one was missed; 2 could not run, or
the options make no sense."""


def make_parser():
    parser = argparse.ArgumentParser(
        prog="netdom-bench", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures netdom and holds what it finds against goals.")
    commands = parser.add_subparsers(title="commands", dest="command",
                                     metavar="COMMAND", required=True)
    for module in COMMANDS:
        one = commands.add_parser(
            module.NAME, help=module.SUMMARY, epilog=EPILOG,
            description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        one.add_argument("--json", action="store_true",
                         help="print one JSON object instead of a table")
        one.add_argument("--html", metavar="FILE",
                         help="write a page with charts, which needs no"
                              " other file")
        one.add_argument("--quiet", action="store_true",
                         help="say nothing of what is being done")
        one.add_argument("--keep-logs", metavar="DIR",
                         help="if a run fails, copy its programs' logs there")
        module.add_options(one)
        one.set_defaults(module=module)
    return parser


def complain(words):
    print("netdom-bench: %s" % words, file=sys.stderr)


def main(argv):
    options = make_parser().parse_args(argv)

    def tell(text):
        if not options.quiet:
            print("netdom-bench: " + text, file=sys.stderr, flush=True)

    if options.html:
        options.html = os.path.abspath(options.html)
        if not os.access(os.path.dirname(options.html), os.W_OK):
            complain("%s: cannot write there" % options.html)
            return EXIT_COULD_NOT_RUN
    end_on_signals()
    try:
        result = options.module.run(options, tell)
        if options.html:
            with open(options.html, "w", encoding="utf-8") as file:
                file.write(result.to_html())
            tell("wrote " + options.html)
        print(result.to_json() if options.json else result.to_text())
    except (LabError, OSError) as error:
        complain(error)
        return EXIT_COULD_NOT_RUN
    except (Interrupted, KeyboardInterrupt):
        complain("interrupted")
        return EXIT_COULD_NOT_RUN
    return EXIT_OK if result.ok else EXIT_MISSED
