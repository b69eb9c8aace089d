"""netdom-xenlocald through its sockets: Xen's own test, libxenstore clients,
the broker, the registry, and hostile bytes."""

import errno
import fcntl
import os
import pathlib
import random
import signal
import socket
import stat
import struct
import subprocess
import threading
import time

import pytest

import xen_local
from conftest import ROOT
from xen_local import (ALLOC, BIND, CLOSE, CREATE, DESTROY, GET_MEMORY,
                       LOOKUP, SET_MEMORY, WITH_CONNECTION, errno_of,
                       is_pending, kick, memory)

BUILD = pathlib.Path(os.environ.get("NETDOM_BUILD", ROOT / "build"))
XEN_TESTS = 12


@pytest.fixture
def daemon(tmp_path):
    xenlocald = xen_local.Daemon(tmp_path / "xen")
    yield xenlocald
    xenlocald.close()


@pytest.fixture
def domains(daemon):
    """Two domains: their numbers."""
    registry = daemon.registry()
    numbers = [registry.call(CREATE, name=name).domid
               for name in ("one", "two")]
    yield numbers
    registry.close()


@pytest.fixture(scope="module")
def xen_root():
    """Where Debian's Xen tools are unpacked."""
    folder = BUILD / "xen-test"
    done = subprocess.run([ROOT / "tests/system/fetch-xen-test", folder],
                          text=True, capture_output=True, timeout=300)
    if done.returncode:
        pytest.skip("Xen's test cannot be fetched: %s" % done.stderr.strip())
    return folder / "root"


def xen_tool(root, daemon, domid, *argv):
    path = daemon.run_dir / str(domid) / "xenstore.sock"
    return subprocess.run([str(root / argv[0]), *argv[1:]], text=True,
                          env=dict(os.environ, XENSTORED_PATH=str(path)),
                          capture_output=True, timeout=60)


def test_xens_own_test(daemon, domains, xen_root):
    """As domain 0, and as a domain that has what the test needs."""
    for domid in (0, domains[0]):
        done = xen_tool(xen_root, daemon, domid,
                        "usr/lib/xen-4.17/bin/test-xenstore")
        rows = [row for row in done.stdout.splitlines() if " ns" in row]
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(rows) == XEN_TESTS, done.stdout


def test_xens_tools(daemon, domains, xen_root):
    one = domains[0]
    write = xen_tool(xen_root, daemon, one, "usr/bin/xenstore-write",
                     "data/a", "1", "data/b", "2")
    assert write.returncode == 0, write.stderr
    listing = xen_tool(xen_root, daemon, 0, "usr/bin/xenstore-ls", "-fp",
                       "/local/domain/%d" % one)
    assert '/local/domain/%d/data/a = "1"   (n%d)' % (one, one) \
        in listing.stdout
    assert '/local/domain/%d/name = "one"' % one in listing.stdout
    refused = xen_tool(xen_root, daemon, domains[1], "usr/bin/xenstore-read",
                       "/local/domain/%d/data/a" % one)
    assert refused.returncode != 0


def test_permissions_between_domains(daemon, domains):
    one, two = domains
    dom0, store1, store2 = (daemon.store(n) for n in (0, one, two))
    path = "/local/domain/%d/data/secret" % one
    store1.write("data/secret", "s")
    for action in (lambda: store2.read(path),
                   lambda: store2.write(path, "x"),
                   lambda: store2.remove(path),
                   lambda: store2.directory("/"),
                   lambda: store2.write("/netdom/x", "x"),
                   lambda: store2.share(path, (two, 0))):
        with pytest.raises(OSError) as caught:
            action()
        assert caught.value.errno == errno.EACCES
    assert dom0.read(path) == "s"
    store1.share("data/secret", (one, 0), (two, 1))
    assert store2.read(path) == "s"
    with pytest.raises(OSError):
        store2.write(path, "x")
    store1.share("data/secret", (one, 0), (two, 3))
    store2.write(path, "x")
    assert store1.read("data/secret") == "x"
    for store in (dom0, store1, store2):
        store.close()


def test_transactions_and_large_directories(daemon):
    dom0, other = daemon.store(0), daemon.store(0)
    t = dom0.call("xs_transaction_start")
    names = ["entry-%04d" % i for i in range(2000)]
    for name in names:
        dom0.write("/wide/" + name, "v", t)
    with pytest.raises(OSError):
        other.read("/wide/" + names[0])
    dom0.call("xs_transaction_end", t, False)
    assert other.directory("/wide") == names

    t = dom0.call("xs_transaction_start")
    dom0.write("/wide/entry-0000", dom0.read("/wide/entry-0001", t), t)
    other.write("/wide/entry-0001", "w")
    with pytest.raises(OSError) as caught:
        dom0.call("xs_transaction_end", t, False)
    assert caught.value.errno == errno.EAGAIN
    dom0.close()
    other.close()


def test_watches(daemon, domains):
    one, two = domains
    store1, store2 = daemon.store(one), daemon.store(two)
    path = "/local/domain/%d/data" % one
    store1.watch("data", "rel")
    assert store1.events() == ["data rel"]
    store2.watch(path, "abs")
    assert store2.events() == [path + " abs"]

    store1.write("data/a/b", "1")
    assert store1.events() == ["data/a/b rel"]
    store1.share("data", (one, 0), (two, 1))
    assert store1.events() == ["data rel"]
    assert store2.events() == [path + " abs"]     # And nothing before.
    store1.remove("data")
    assert store1.events() == ["data rel"]
    assert store2.events() == [path + " abs"]
    store1.close()
    store2.close()


def test_births_and_deaths(daemon):
    dom0 = daemon.store(0)
    dom0.watch("@introduceDomain", "i")
    dom0.watch("@releaseDomain", "r")
    assert dom0.events() == ["@introduceDomain i", "@releaseDomain r"]

    registry, guest = daemon.registry(), daemon.registry()
    domid = guest.call(CREATE, flags=WITH_CONNECTION, name="guest").domid
    assert dom0.events() == ["@introduceDomain i"]
    home = "/local/domain/%d" % domid
    assert dom0.read(home + "/name") == "guest"
    assert registry.call(LOOKUP, name="guest").domid == domid
    folder = daemon.run_dir / str(domid)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    store = daemon.store(domid)
    store.write("data", "x")

    guest.close()
    assert dom0.events() == ["@releaseDomain r"]
    assert not folder.exists()
    assert errno_of(registry.call, LOOKUP, name="guest") == errno.ENOENT
    with pytest.raises(OSError):
        dom0.read(home)
    with pytest.raises(OSError):
        store.read("data")
    again = registry.call(CREATE, name="guest").domid
    assert again == domid + 1
    registry.call(DESTROY, domid=again)
    daemon.settles_at(domains=1)
    registry.close()
    dom0.close()


def test_registry_refuses(daemon):
    registry = daemon.registry()
    registry.call(CREATE, name="taken")
    for name in ("", "a/b", "..\n", "x" * 64, "caf\u00e9"):
        assert errno_of(registry.call, CREATE, name=name) == errno.EINVAL
    assert errno_of(registry.call, CREATE, name="taken") == errno.EEXIST
    assert errno_of(registry.call, CREATE, name="Domain-0") == errno.EEXIST
    assert errno_of(registry.call, CREATE, name="a", flags=2) == errno.EINVAL
    assert errno_of(registry.call, DESTROY, domid=0) == errno.EPERM
    assert errno_of(registry.call, DESTROY, domid=77) == errno.ENOENT
    assert errno_of(registry.call, SET_MEMORY) == errno.ENOSYS
    assert daemon.usage()["domains"] == 2
    registry.close()


def test_folder_belongs_to_the_uid(daemon):
    registry = daemon.registry()
    domid = registry.call(CREATE, name="u", uid=12345).domid
    folder = daemon.run_dir / str(domid)
    for path in (folder, folder / "xenstore.sock", folder / "broker.sock"):
        assert path.stat().st_uid == 12345
    # Whatever its owner put there goes with it; what a link in it names
    # stays.
    precious = daemon.run_dir.parent / "precious"
    precious.write_text("x")
    (folder / "link").symlink_to(precious)
    (folder / "xenstore.sock").unlink()
    registry.call(DESTROY, domid=domid)
    assert not folder.exists() and precious.exists()
    registry.close()


def test_event_channels(daemon, domains):
    guest_id, back_id = domains
    guest, back = daemon.broker(guest_id), daemon.broker(back_id)
    offer = guest.call(ALLOC, domid=back_id)
    bound = back.call(BIND, domid=guest_id, port=offer.port)
    assert is_pending(bound.fds[0])                 # Once, as on Xen.
    assert not is_pending(bound.fds[0], 0)
    assert not is_pending(offer.fds[0], 0)
    kick(offer.fds[1])
    assert is_pending(bound.fds[0]) and not is_pending(offer.fds[0], 0)
    kick(bound.fds[1])
    assert is_pending(offer.fds[0])

    assert errno_of(back.call, BIND, domid=guest_id,
                    port=offer.port) == errno.EBUSY
    assert errno_of(back.call, BIND, domid=guest_id,
                    port=offer.port + 1) == errno.ENOENT
    assert errno_of(back.call, BIND, domid=99, port=1) == errno.ENOENT
    assert errno_of(guest.call, BIND, domid=back_id,
                    port=bound.port) == errno.ENOENT
    dom0 = daemon.broker(0)
    assert errno_of(dom0.call, BIND, domid=guest_id,
                    port=offer.port) == errno.EACCES
    assert errno_of(dom0.call, CLOSE, port=offer.port) == errno.ENOENT

    # The backend dies: the guest hears it, and the next one can bind.
    back.close()
    assert is_pending(offer.fds[0])
    back = daemon.broker(back_id)
    bound = back.call(BIND, domid=guest_id, port=offer.port)
    assert is_pending(bound.fds[0])
    kick(offer.fds[1])
    assert is_pending(bound.fds[0])

    # The guest closes its end: the backend hears it.
    guest.call(CLOSE, port=offer.port)
    assert is_pending(bound.fds[0])
    assert errno_of(back.call, BIND, domid=guest_id,
                    port=offer.port) == errno.ENOENT
    back.call(CLOSE, port=bound.port)
    daemon.settles_at(ports=0)
    for client in (guest, back, dom0):
        client.close()


def test_memory(daemon, domains):
    guest_id, back_id = domains
    guest, back = daemon.broker(guest_id), daemon.broker(back_id)
    fd = memory()
    guest.call(SET_MEMORY, n_bytes=4 * 4096, count=1, send_fds=[fd])
    assert errno_of(guest.call, SET_MEMORY, n_bytes=4 * 4096, count=1,
                    send_fds=[fd]) == errno.EBUSY
    assert errno_of(back.call, GET_MEMORY, domid=guest_id) == errno.EACCES
    offer = guest.call(ALLOC, domid=back_id)
    got = back.call(GET_MEMORY, domid=guest_id)
    assert (got.bytes, got.count) == (4 * 4096, 1)
    os.pwrite(fd, b"hello", 4096)
    assert os.pread(got.fds[0], 5, 4096) == b"hello"

    # Another connection's memory takes its place.
    second = daemon.broker(guest_id)
    second.call(SET_MEMORY, n_bytes=4 * 4096, count=2, send_fds=[fd])
    again = back.call(GET_MEMORY, domid=guest_id)
    assert again.generation > got.generation and again.count == 2
    second.close()
    daemon.settles_at(memories=0)
    assert errno_of(back.call, GET_MEMORY, domid=guest_id) == errno.ENOENT
    guest.call(CLOSE, port=offer.port)
    assert errno_of(back.call, GET_MEMORY, domid=guest_id) == errno.EACCES
    os.close(fd)
    guest.close()
    back.close()


def test_bad_memory(daemon, domains, tmp_path):
    guest = daemon.broker(domains[0])
    size = {"n_bytes": 4 * 4096, "count": 1}

    def refused(fd, **kwargs):
        error = errno_of(guest.call, SET_MEMORY, send_fds=[fd],
                         **{**size, **kwargs})
        os.close(fd)
        return error

    grow, shrink = fcntl.F_SEAL_GROW, fcntl.F_SEAL_SHRINK
    assert refused(memory(seals=0)) == errno.EPERM
    assert refused(memory(seals=grow)) == errno.EPERM
    assert refused(memory(seals=shrink)) == errno.EPERM
    assert refused(memory(seals=grow | shrink | fcntl.F_SEAL_WRITE)) \
        == errno.EINVAL
    assert refused(memory(3)) == errno.EINVAL
    assert refused(memory(), n_bytes=4 * 4096 - 1) == errno.EINVAL
    assert refused(memory(), count=0) == errno.EINVAL
    assert refused(memory(), count=4) == errno.EINVAL
    assert refused(memory(), count=2**32 - 1) == errno.EINVAL
    assert refused(os.open(tmp_path, os.O_RDONLY)) == errno.EINVAL
    assert refused(os.pipe()[0]) == errno.EINVAL
    assert errno_of(guest.call, SET_MEMORY, **size) == errno.EINVAL
    fd = memory()
    readonly = os.open("/proc/self/fd/%d" % fd, os.O_RDONLY)
    assert refused(readonly) == errno.EINVAL
    # More descriptors than one are not taken.
    with pytest.raises((struct.error, OSError)):
        guest.call(SET_MEMORY, send_fds=[fd] * 50, **size)
    os.close(fd)
    assert daemon.usage()["memories"] == 0
    guest.close()


def test_death_breaks_what_peers_hold(daemon, domains):
    back = daemon.broker(domains[1])
    life = daemon.registry()
    guest_id = life.call(CREATE, flags=WITH_CONNECTION, name="g").domid
    guest = daemon.broker(guest_id)
    fd = memory()
    guest.call(SET_MEMORY, n_bytes=4 * 4096, count=1, send_fds=[fd])
    offer = guest.call(ALLOC, domid=domains[1])
    bound = back.call(BIND, domid=guest_id, port=offer.port)
    mine = back.call(ALLOC, domid=guest_id)
    assert is_pending(bound.fds[0])

    life.close()
    assert is_pending(bound.fds[0])
    assert is_pending(mine.fds[0])
    assert errno_of(back.call, GET_MEMORY, domid=guest_id) == errno.ENOENT
    assert guest.sock.recv(1) == b""
    back.call(CLOSE, port=bound.port)
    back.call(CLOSE, port=mine.port)
    daemon.settles_at(ports=0)
    os.close(fd)
    guest.close()
    back.close()


def test_a_full_event_channel_blocks_nobody(daemon, domains):
    """A guest fills its backend's counter and makes it blocking."""
    guest, back = (daemon.broker(n) for n in domains)
    offer = guest.call(ALLOC, domid=domains[1])
    os.set_blocking(offer.fds[1], True)
    os.write(offer.fds[1], struct.pack("=Q", 2**64 - 2))
    bound = back.call(BIND, domid=domains[0], port=offer.port)
    assert is_pending(bound.fds[0])
    os.write(offer.fds[1], struct.pack("=Q", 2**64 - 2))
    guest.close()
    daemon.settles_at(ports=1)
    back.close()


def test_broker_bounds(daemon, domains):
    guest = daemon.broker(domains[0])
    made = 0
    while errno_of(guest.call, ALLOC, domid=domains[1]) is None:
        made += 1
        for fd in guest.fds:
            os.close(fd)
        guest.fds = []
    assert made == 512
    others = [daemon.broker(domains[0]) for _ in range(63)]
    with pytest.raises((OSError, struct.error)):
        daemon.broker(domains[0]).call(CLOSE, port=1)
    back = daemon.broker(domains[1])
    assert back.call(ALLOC, domid=domains[0]).port == 1
    for client in [guest, back, *others]:
        client.close()


def garbage(path, kind, seed, stop):
    """Sends nonsense, whole and broken, until told to stop."""
    rng = random.Random(seed)
    while not stop.is_set():
        with socket.socket(socket.AF_UNIX, kind) as sock:
            sock.settimeout(0.2)
            try:
                sock.connect(str(path))
                for _ in range(rng.randrange(1, 20)):
                    data = rng.randbytes(rng.choice([0, 1, 15, 16, 96, 5000]))
                    if rng.random() < 0.5:
                        data = struct.pack(
                            "=4I", rng.randrange(24), 1, rng.randrange(3),
                            rng.randrange(64)) + data
                    elif kind == socket.SOCK_SEQPACKET:
                        data = struct.pack(
                            "=6IQ64s", rng.randrange(10), rng.randrange(3),
                            rng.randrange(4), rng.randrange(9), 0,
                            rng.randrange(9), 8192, rng.randbytes(64))
                        if path.name == "registry.sock" and data[0] == DESTROY:
                            continue
                    sock.send(data)
            except OSError:
                pass


def test_hostile_bytes_on_every_socket(daemon, domains):
    one = domains[0]
    paths = [(daemon.run_dir / "registry.sock", socket.SOCK_SEQPACKET),
             (daemon.run_dir / str(one) / "xenstore.sock", socket.SOCK_STREAM),
             (daemon.run_dir / str(one) / "broker.sock",
              socket.SOCK_SEQPACKET),
             (daemon.run_dir / "0" / "broker.sock", socket.SOCK_SEQPACKET)]
    stop = threading.Event()
    threads = [threading.Thread(target=garbage, args=(path, kind, i, stop))
               for i, (path, kind) in enumerate(paths)]
    for thread in threads:
        thread.start()
    try:
        store, guest = daemon.store(domains[1]), daemon.broker(domains[1])
        until = time.monotonic() + 3
        rounds = 0
        while time.monotonic() < until:
            store.write("k", str(rounds))
            assert store.read("k") == str(rounds)
            port = guest.call(ALLOC, domid=0).port
            guest.call(CLOSE, port=port)
            for fd in guest.fds:
                os.close(fd)
            guest.fds = []
            rounds += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert rounds > 100
    store.close()
    guest.close()
    daemon.settles_at(transactions=0, watches=0, store_connections=0,
                      broker_connections=0, ports=0)


def test_a_watcher_that_never_reads(daemon, domains):
    """Its queue stays bounded, and others are served."""
    one = domains[0]
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(str(daemon.run_dir / str(one) / "xenstore.sock"))
    payload = b"data\0token\0"
    sock.send(struct.pack("=4I", 4, 1, 0, len(payload)) + payload)
    store = daemon.store(0)
    for i in range(6000):
        store.write("/local/domain/%d/data/%d" % (one, i % 3000), "x")
    assert daemon.usage()["queued-events"] <= 257
    sock.close()
    store.close()


def test_start_and_end(daemon):
    """A living one is not replaced, a dead one is; nothing stays behind."""
    registry = daemon.registry()
    registry.call(CREATE, name="a")
    second = daemon.spawn()
    assert second.wait(10) == 2
    assert "served by another" in second.stderr.read()
    second.stderr.close()
    assert registry.call(LOOKUP, name="a").domid == 1

    daemon.kill(signal.SIGKILL)
    registry.close()
    assert (daemon.run_dir / "1").exists()
    (daemon.run_dir / "netdom-xenlocald.pid").unlink()
    daemon.process.stderr.close()
    daemon.start()
    assert not (daemon.run_dir / "1").exists()
    registry = daemon.registry()
    assert registry.call(CREATE, name="a").domid == 1

    daemon.kill(signal.SIGTERM)
    registry.close()
    assert [path.name for path in daemon.run_dir.iterdir()] == []

    daemon.process.stderr.close()
    daemon.start()
    daemon.appctl("exit")
    assert daemon.process.wait(5) == 0
    assert [path.name for path in daemon.run_dir.iterdir()] == []


def test_control_commands(daemon, domains):
    assert daemon.appctl("domain/list").splitlines() == [
        "    0 uid=%d Domain-0" % os.geteuid(), "    1 uid=0 one",
        "    2 uid=0 two"]
    daemon.store(1).write("v", 'a"\n')
    assert daemon.appctl("xenstore/ls", "/local/domain/1").splitlines() == [
        '/local/domain/1 = ""   (n1)',
        '/local/domain/1/domid = "1"   (n1)',
        '/local/domain/1/name = "one"   (n1)',
        '/local/domain/1/v = "a\\x22\\x0a"   (n1)']
    with pytest.raises(subprocess.CalledProcessError):
        daemon.appctl("xenstore/ls", "/nothing")
    # A removed node's ancestors stay: domain 0's four and what is above.
    assert daemon.usage()["nodes"] == 13


def test_bad_usage(daemon):
    program = xen_local.find_program("netdom-xenlocald")
    for argv in (["extra"], ["--no-such-option"],
                 ["--run-dir=/proc/nothing"]):
        done = subprocess.run([program, *argv], text=True, env=daemon.env,
                              capture_output=True, timeout=10)
        assert done.returncode == 2 and done.stderr
