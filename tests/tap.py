"""Runs unittest cases and prints TAP, which meson counts one by one."""

import sys
import traceback
import unittest


def _describe(err):
    kind, value, _ = err
    if issubclass(kind, AssertionError):
        return str(value)
    return "".join(traceback.format_exception(*err))


class _Result(unittest.TestResult):
    """One TAP line per test; failed subtests become its comments."""

    def startTest(self, test):
        super().startTest(test)
        self._errors = []
        self._skip = None

    def stopTest(self, test):
        super().stopTest(test)
        print("%s %d - %s%s" % (
            "not ok" if self._errors else "ok", self.testsRun,
            test.id().split(".", 1)[-1],
            " # SKIP " + self._skip if self._skip else ""), flush=True)
        for error in self._errors:
            for line in error.splitlines():
                print("# " + line)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._skip = reason

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._errors.append(_describe(err))

    def addError(self, test, err):
        super().addError(test, err)
        self._errors.append(_describe(err))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._errors.append(_describe(err))


def run(*cases):
    """Runs the TestCase classes and exits: 0 if all is well, else 1."""
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite(
        loader.loadTestsFromTestCase(case) for case in cases)
    print("1..%d" % suite.countTestCases())
    result = _Result()
    suite.run(result)
    sys.stdout.flush()
    sys.exit(0 if result.wasSuccessful() else 1)
