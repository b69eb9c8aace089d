"""tools/setup: says what is missing, changes nothing it was not asked to,
and never starts a service."""

import os
import pty
import stat
import subprocess

from conftest import ROOT, run_tool

SETUP = ROOT / "tools/setup"


def build_argument():
    build = os.environ.get("NETDOM_BUILD")
    return ["--build-dir=" + build] if build else []


def in_private_mounts(script, **kwargs):
    """Runs a shell script whose mounts nobody else sees."""
    return subprocess.run(["unshare", "-m", "--propagation", "private",
                           "sh", "-euc", script], text=True,
                          capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=60, **kwargs)


def test_check_only_is_content_with_a_ready_machine():
    done = run_tool(SETUP, "--check-only", "--tests", *build_argument())
    assert "packages: nothing missing" in done.stdout


def test_check_only_changes_nothing(tmp_path):
    build = tmp_path / "build"
    done = run_tool(SETUP, "--check-only", "--build-dir=%s" % build)
    assert done.returncode == 1
    assert "not built" in done.stdout
    assert not build.exists()


def test_unknown_option_is_a_usage_error():
    done = run_tool(SETUP, "--frobnicate")
    assert done.returncode == 2
    assert "unknown option '--frobnicate'" in done.stderr


def test_other_systems_are_told_what_to_use(tmp_path):
    release = tmp_path / "os-release"
    release.write_text("ID=debian\nVERSION_ID=11\n")
    done = in_private_mounts("mount --bind %s /etc/os-release; exec %s"
                             " --check-only" % (release, SETUP))
    assert done.returncode == 2
    assert "use a Debian 12 machine" in done.stderr


def bare_machine(folder):
    """An environment in which no package is installed, and apt-get, if it is
    called at all, leaves a file."""
    for name, body in (("dpkg-query", "exit 1"),
                       ("apt-get", "touch %s/called" % folder)):
        (folder / name).write_text("#!/bin/sh\n%s\n" % body)
        (folder / name).chmod(0o755)
    return dict(os.environ, PATH="%s:%s" % (folder, os.environ["PATH"]))


def test_asks_on_a_terminal_and_takes_no_for_an_answer(tmp_path):
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    done = subprocess.run([SETUP, "--no-build"], stdin=theirs, text=True,
                          capture_output=True, timeout=60,
                          env=bare_machine(tmp_path))
    os.close(ours)
    os.close(theirs)
    assert "to be installed from Debian: gcc" in done.stdout
    assert "nothing was installed" in done.stderr
    assert done.returncode == 2
    assert not (tmp_path / "called").exists()


def test_does_not_ask_without_a_terminal(tmp_path):
    done = run_tool(SETUP, "--no-build", env=bare_machine(tmp_path))
    assert "say --yes" in done.stderr
    assert done.returncode == 2
    assert not (tmp_path / "called").exists()


def test_demo_and_check_start_without_python(tmp_path):
    """A minimal Debian has none: set-up comes first."""
    without = "mount --bind /dev/null /usr/bin/python3; "
    done = in_private_mounts(without + "exec %s/tools/demo --check-only"
                             % ROOT, env=bare_machine(tmp_path))
    assert "packages missing: gcc" in done.stdout
    assert done.returncode == 1
    done = in_private_mounts(without + "exec %s/tools/check" % ROOT,
                             env=bare_machine(tmp_path))
    assert "to be installed from Debian: gcc" in done.stderr
    assert "say --yes" in done.stderr
    assert done.returncode == 2
    assert not (tmp_path / "called").exists()


def fake_apt(folder, body):
    """An apt-get that notes whether services may start."""
    apt = folder / "apt-get"
    apt.write_text("#!/bin/sh\n"
                   "case \"$*\" in *-s*) exit 0 ;; esac\n"
                   "/usr/bin/env sh /usr/sbin/policy-rc.d;"
                   " echo \"policy says $?\"\n"
                   "echo \"frontend $DEBIAN_FRONTEND\"\n" + body)
    apt.chmod(apt.stat().st_mode | stat.S_IXUSR)


def install_in_private(tmp_path, body):
    fakes = tmp_path / "bin"
    sbin = tmp_path / "sbin"
    fakes.mkdir()
    sbin.mkdir()
    fake_apt(fakes, body)
    done = in_private_mounts(
        "mount --bind %s /usr/sbin; PATH=%s:/usr/bin:/bin;"
        " exec %s --install-as-root somepackage" % (sbin, fakes, SETUP))
    return done, sbin


def test_no_service_starts_and_the_policy_goes_away(tmp_path):
    done, sbin = install_in_private(tmp_path, "exit 0\n")
    assert done.returncode == 0
    assert "policy says 101" in done.stdout
    assert "frontend noninteractive" in done.stdout
    assert list(sbin.iterdir()) == []


def test_the_policy_goes_away_after_a_failure_too(tmp_path):
    done, sbin = install_in_private(tmp_path, "exit 100\n")
    assert done.returncode != 0
    assert "policy says 101" in done.stdout
    assert list(sbin.iterdir()) == []


def test_a_policy_of_the_machine_stays(tmp_path):
    fakes = tmp_path / "bin"
    sbin = tmp_path / "sbin"
    fakes.mkdir()
    sbin.mkdir()
    policy = sbin / "policy-rc.d"
    policy.write_text("exit 42\n")
    fake_apt(fakes, "exit 0\n")
    done = in_private_mounts(
        "mount --bind %s /usr/sbin; PATH=%s:/usr/bin:/bin;"
        " exec %s --install-as-root somepackage" % (sbin, fakes, SETUP))
    assert "policy says 42" in done.stdout
    assert policy.read_text() == "exit 42\n"
