"""Man pages: one per program, none that warns, and none that lags behind the
code.  Needs no root."""

import json
import re
import subprocess

import pytest

from netdom_db import BUILD, ROOT

PAGES = sorted(path for room in ("netdom", "tenants", "tools")
               for path in (ROOT / room).rglob("*.[158]"))


def plain(path):
    """A page's text without its fonts."""
    text = path.read_text()
    return re.sub(r"\\f[BIR]", "", text).replace("\\-", "-")


def test_every_program_has_a_page():
    targets = json.loads(subprocess.run(
        ["meson", "introspect", "--targets", str(BUILD)],
        capture_output=True, text=True, check=True, timeout=60).stdout)
    programs = {target["name"] for target in targets
                if target["type"] == "executable" and target["installed"]
                and "/libexec/" not in target["install_filename"][0]}
    assert programs
    assert programs <= {path.stem for path in PAGES}


def test_every_page_is_installed():
    installed = json.loads(subprocess.run(
        ["meson", "introspect", "--installed", str(BUILD)],
        capture_output=True, text=True, check=True, timeout=60).stdout)
    assert {str(path) for path in PAGES} <= set(installed)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_renders_without_warning(page):
    done = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou", "-ww",
                           page], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        assert "\n%s\n" % section in done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_names_the_program_it_is_of(page):
    lines = plain(page).splitlines()
    title = next(line for line in lines if line.startswith(".TH "))
    assert title.lower().split()[1:3] == [page.stem, page.suffix[1:]]
    name = lines[lines.index(".SH NAME") + 1]
    assert name.startswith(page.stem + " - ")


def test_the_switchs_page_has_every_counter_and_command():
    page = plain(ROOT / "netdom/netdom-vswitchd.8")
    stats = (ROOT / "datapath/vif_stats.h").read_text()
    drops = re.findall(r'X\(\w+, "(\w+)"\)', stats)
    assert len(drops) > 10
    source = "".join(path.read_text() for room in ("netdom", "datapath")
                     for path in (ROOT / room).glob("*.c"))
    commands = re.findall(r'unixctl_command_register\("(\w+/\w+)"', source)
    assert "xenvif/show" in commands
    for word in drops + commands:
        assert word in page, word


def test_the_switchs_page_has_every_option():
    page = plain(ROOT / "netdom/netdom-vswitchd.8")
    source = (ROOT / "netdom/main.c").read_text()
    options = re.findall(r'\{"([\w-]+)", (?:no|required|optional)_argument',
                         source)
    assert "eal-args" in options
    for option in options:
        if not option.endswith("ca-cert"):      # "TLS", as a whole.
            assert "--" + option in page, option
