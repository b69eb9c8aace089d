"""The hostile guest's tests use the lab and the system tests' modules."""

import pathlib
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/system")]

import lab                                                  # noqa: E402


def pytest_sessionstart(session):
    lab.clean_leftovers()
