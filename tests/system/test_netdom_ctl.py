"""netdom-ctl on a real database: each command, each bad input.  Needs no
root."""

import csv
import io
import json
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from netdom_db import CTL, ROOT, Database, listening


@pytest.fixture
def db():
    database = Database()
    yield database
    database.close()


@pytest.fixture
def two(db):
    """Two tenants on one host, a VF and a VIF each."""
    db.do("host-add", "h1", "--",
          "vf-add", "vf-red", "iface=red0", "vlan=100", "--",
          "vf-add", "vf-blue", "iface=blue0", "vlan=200", "--",
          "vf-add", "vf-free", "pci=3b:02.1", "--",
          "tenant-add", "red", "vf=vf-red", "--",
          "tenant-add", "blue", "vf=vf-blue", "--",
          "profile-add", "gold", "tx_rate=1Gbit", "rx_rate=2Gbit", "--",
          "vif-add", "red", "red-1", "guest=g1", "mac=00:16:3e:00:00:01",
          "--",
          "vif-add", "blue", "blue-1", "guest=g2", "mac=00:16:3e:00:00:01")
    return db


# The frame: options, output, the database.

def test_version_and_help_need_no_database():
    for option, part in [("--version", "DB schema"), ("--help", "tenant-add"),
                         ("--commands", "vif-add"), ("--options", "--wait")]:
        done = subprocess.run([CTL, "--db=unix:/nonexistent", option],
                              capture_output=True, text=True, timeout=10)
        assert (done.returncode, done.stderr) == (0, "")
        assert part in done.stdout


def test_it_does_not_load_dpdk():
    done = subprocess.run(["ldd", CTL], capture_output=True, text=True,
                          timeout=10)
    assert "librte_" not in done.stdout


@pytest.mark.parametrize("argv, part", [
    ([], "missing command name"),
    (["frob"], "unknown command 'frob'"),
    (["vif-add", "red"], "at least 2 arguments"),
    (["tenant-del", "a", "b"], "at most 1 argument"),
    (["--timeout=x", "show"], "give a number of seconds"),
    (["--run-dir=", "show"], "give a folder"),
    (["--may-exist", "--may-exist", "host-add", "h"], "twice"),
    (["--may-exist", "vif-del", "v"], "--may-exist"),
])
def test_wrong_usage(db, argv, part):
    assert part in db.refuse(*argv, status=2)


def test_unknown_option_is_wrong_usage(db):
    done = db.ctl("--frob", "show")
    assert done.returncode == 2
    assert "--frob" in done.stderr


def test_no_server_names_the_socket_and_what_to_do(tmp_path):
    began = time.monotonic()
    done = subprocess.run([CTL, "--run-dir=%s" % tmp_path, "show"],
                          capture_output=True, text=True, timeout=10)
    assert time.monotonic() - began < 2
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "unix:%s/db.sock" % tmp_path in done.stderr
    assert "start ovsdb-server" in done.stderr
    assert "--remote=punix:%s/db.sock" % tmp_path in done.stderr


def test_a_dead_socket_is_no_server(db, tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "db.sock"))
    done = subprocess.run([CTL, "--run-dir=%s" % tmp_path, "show"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    assert "Connection refused" in done.stderr
    assert "start ovsdb-server" in done.stderr


def test_a_server_that_hangs_is_given_up(db):
    db.server.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        done = db.ctl("--timeout=1", "show", timeout_s=10)
        assert time.monotonic() - began < 5
    finally:
        db.server.send_signal(signal.SIGCONT)
    assert done.returncode == 2
    assert str(db.socket) in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_without_our_database(tmp_path):
    subprocess.run(["ovsdb-tool", "create", tmp_path / "o.db",
                    "/usr/share/openvswitch/vswitch.ovsschema"], check=True)
    server = subprocess.Popen(
        ["/usr/sbin/ovsdb-server", "--no-chdir", "-vconsole:off",
         "--remote=punix:%s/db.sock" % tmp_path,
         "--unixctl=%s/ctl" % tmp_path, tmp_path / "o.db"])
    try:
        until = time.monotonic() + 10
        while not listening(tmp_path / "db.sock"):
            assert time.monotonic() < until
            time.sleep(0.01)
        done = subprocess.run([CTL, "--run-dir=%s" % tmp_path, "show"],
                              capture_output=True, text=True, timeout=10)
    finally:
        server.terminate()
        server.wait(timeout=10)
    assert done.returncode == 2
    assert "has no Netdom database" in done.stderr


@pytest.mark.parametrize("name", ["foo", "udp:1.2.3.4:5"])
def test_no_database_address(name):
    done = subprocess.run([CTL, "--db=%s" % name, "show"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode == 2
    assert "write unix:FILE" in done.stderr


def test_db_option_and_default_agree(db):
    done = subprocess.run([CTL, "--db=unix:%s" % db.socket, "host-list"],
                          capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")


def test_init_makes_the_root_once(db):
    db.do("init")
    before = db.dump()
    db.do("init")
    assert db.dump() == before
    assert db.get("Netdom", ".", "next_cfg") == "0"


def test_reading_an_empty_database_writes_nothing(db):
    before = db.dump()
    for command in ("show", "host-list", "vf-list", "tenant-list", "vif-list",
                    "profile-list"):
        db.do(command)
    assert db.dump() == before


def test_the_transaction_says_who_did_what(two):
    two.do("vif-set", "red-1", "mtu=1400")
    log = subprocess.run(["ovsdb-tool", "show-log", two.file],
                         capture_output=True, text=True, timeout=10).stdout
    assert re.search(r'"netdom-ctl: .*vif-set red-1 mtu=1400"', log)


def test_dry_run_changes_nothing(two):
    before = two.dump()
    two.do("--dry-run", "--force", "tenant-del", "red")
    two.do("--dry-run", "--wait", "vif-set", "red-1", "mtu=1400")
    assert two.dump() == before


def test_several_commands_are_one_transaction(two):
    assert "no tenant" in two.refuse("vif-set", "red-1", "mtu=1400", "--",
                                     "tenant-del", "nobody")
    two.do("tenant-add", "green", "--", "vif-add", "green", "green-1",
           "guest=g9", "--", "--force", "tenant-del", "blue", "--",
           "tenant-set", "green", "vf=vf-blue")
    assert [t["name"] for t in two.show()["tenants"]] == ["green", "red"]


def test_oneline(two):
    two.do("set-controller", "red", "tcp:10.0.0.1:6653", "tcp:10.0.0.2:6653")
    assert (two.do("--oneline", "get-controller", "red")
            == "tcp:10.0.0.1:6653\\ntcp:10.0.0.2:6653\n")


def test_formats(two):
    two.do("set-rate", "red-1", "tx", "100Mbit")
    text = two.do("vif-list", "red")
    assert text.splitlines()[0].split()[:3] == ["vif", "tenant", "guest"]
    assert "100Mbit" in text
    rows = list(csv.DictReader(io.StringIO(two.do("--format=csv",
                                                  "vif-list", "red"))))
    assert rows[0]["tx_rate_bps"] == "100000000"
    assert rows[0]["rx_rate_bps"] == ""
    (row,) = two.rows("vif-list", "red")
    assert row["tx_rate_bps"] == 100000000
    assert row["rx_rate_bps"] is None
    assert row["devid"] == 0
    assert "vif,tenant" not in two.do("--no-headings", "--format=csv",
                                      "vif-list")
    assert two.do("--bare", "vif-list", "red").startswith("red-1\nred\n")


# Hosts and VFs.

def test_hosts(db):
    db.do("host-add", "h1", "external_ids:rack=7")
    assert db.get("Host", "h1", "external_ids:rack") == '"7"'
    assert "there already" in db.refuse("host-add", "h1")
    db.do("--may-exist", "host-add", "h1")
    db.do("host-add", "h2")
    assert [r["host"] for r in db.rows("host-list")] == ["h1", "h2"]
    db.do("host-del", "h2")
    assert "no host \"h2\"" in db.refuse("host-del", "h2")
    db.do("--if-exists", "host-del", "h2")
    assert [r["host"] for r in db.rows("host-list")] == ["h1"]


def test_a_host_with_tenants_stays(two):
    assert "still has tenants" in two.refuse("host-del", "h1")


def test_a_host_takes_its_vfs_along(db):
    db.do("host-add", "h1", "--", "vf-add", "v1", "iface=e1")
    db.do("host-del", "h1")
    assert db.rows("vf-list") == []


@pytest.mark.parametrize("name, part", [
    ("-x", "must begin with"), ("a/b", "letters, digits"), ("", "is empty"),
    ("x" * 65, "too long"), ("..", "must begin with"),
])
def test_bad_names(two, name, part):
    for argv in (["host-add", name], ["vf-add", name, "iface=e9"],
                 ["tenant-add", name], ["vif-add", "red", name, "guest=g9"],
                 ["profile-add", name]):
        if name.startswith("-"):
            argv[0:0] = ["--"]
        assert part in two.refuse(*argv)


def test_a_tenants_name_has_at_most_32_characters(two):
    assert "at most 32" in two.refuse("tenant-add", "x" * 33)
    two.do("tenant-add", "x" * 32)


def test_vfs(two):
    rows = {row["vf"]: row for row in two.rows("vf-list")}
    assert rows["vf-red"]["device"] == "red0"
    assert rows["vf-red"]["vlan"] == 100
    assert rows["vf-red"]["tenant"] == "red"
    assert rows["vf-free"]["device"] == "0000:3b:02.1"
    assert rows["vf-free"]["tenant"] is None
    assert "there already" in two.refuse("vf-add", "vf-red", "iface=e9")
    two.do("--may-exist", "vf-add", "vf-red", "iface=red0", "vlan=101",
           "max_rate=10Gbit")
    (row,) = [r for r in two.rows("vf-list") if r["vf"] == "vf-red"]
    assert (row["vlan"], row["max_rate_bps"]) == (101, 10000000000)
    two.do("vf-del", "vf-free")
    assert "no VF" in two.refuse("vf-del", "vf-free")
    two.do("--if-exists", "vf-del", "vf-free")


@pytest.mark.parametrize("words, part", [
    (["vlan=5"], "iface=IFACE and pci=ADDRESS"),
    (["iface=e9", "pci=3b:02.2"], "one of iface=IFACE and pci=ADDRESS"),
    (["iface=red0"], 'red0 is VF "vf-red"'),
    (["pci=0000:3b:02.1"], 'is VF "vf-free"'),
    (["iface=a/b"], "network device"),
    (["iface=x,path=/"], "network device"),
    (["iface=abcdefghijklmnop"], "1 to 15"),
    (["pci=nonsense"], "as lspci does"),
    (["iface=e9", "vlan=0"], "use 1 to 4094"),
    (["iface=e9", "vlan=4095"], "use 1 to 4094"),
    (["iface=e9", "max_rate=10"], "no unit"),
    (["iface=e9", "host=h9"], 'no host "h9"'),
    (["iface=e9", "state=free"], '"state" cannot be set here'),
])
def test_bad_vfs(two, words, part):
    assert part in two.refuse("vf-add", "vf-new", *words)


def test_a_vf_in_use_stays(two):
    line = two.refuse("vf-del", "vf-red")
    assert "belongs to tenant red" in line and "tenant-set red" in line


def test_two_hosts_want_to_be_told_apart(two):
    two.do("host-add", "h2")
    assert "say which with host=HOST" in two.refuse("vf-add", "v9",
                                                    "iface=red0")
    two.do("vf-add", "v9", "iface=red0", "host=h2")
    assert "say which with host=HOST" in two.refuse("tenant-add", "green")
    two.do("tenant-add", "green", "vf=v9")
    assert two.rows("tenant-list")[1]["host"] == "h2"
    two.do("vf-add", "v10", "iface=blue0", "host=h2")
    assert "is on host h2" in two.refuse("tenant-set", "red", "vf=v10")
    assert "is on host h2" in two.refuse("--may-exist", "vf-add", "v9",
                                         "host=h1", "iface=x")


# Tenants.

def test_tenants(two):
    rows = {row["tenant"]: row for row in two.rows("tenant-list")}
    assert rows["red"]["host"] == "h1"
    assert rows["red"]["vf"] == "vf-red"
    assert rows["red"]["vifs"] == 1
    assert rows["red"]["fail_mode"] == "standalone"
    two.do("tenant-add", "green", "host=h1", "fail_mode=secure")
    two.do("tenant-set", "green", "vf=vf-free")
    assert two.get("Tenant", "green", "fail_mode") == "secure"
    two.do("tenant-set", "green", "vf=")
    assert two.get("Tenant", "green", "vf") == "[]"
    two.do("tenant-del", "green")
    two.do("--if-exists", "tenant-del", "green")
    two.do("--if-exists", "tenant-set", "green", "vf=")


def test_tenant_add_without_a_host(db):
    assert 'host-add HOST"' in db.refuse("tenant-add", "red")


@pytest.mark.parametrize("argv, parts", [
    (["tenant-add", "red"], ["there already", "tenant-set"]),
    (["tenant-add", "green", "vf=vf-red"], ["belongs to tenant red"]),
    (["tenant-set", "blue", "vf=vf-red"], ["belongs to tenant red"]),
    (["--may-exist", "tenant-add", "blue", "vf=vf-red"],
     ["belongs to tenant red"]),
    (["tenant-add", "green", "vf=vf-rde"], ['did you mean "vf-red"?']),
    (["tenant-add", "green", "vf=zzz"], ["vf-blue, vf-free, vf-red"]),
    (["tenant-add", "green", "host=h9"], ['no host "h9"']),
    (["tenant-add", "green", "fail_mode=maybe"], ["standalone", "secure"]),
    (["tenant-add", "green", "colour=red"], ['"colour" cannot be set here',
                                             "fail_mode"]),
    (["tenant-add", "green", "vf"], ['"vf" is not KEY=VALUE']),
    (["tenant-set", "rde", "vf="], ['did you mean "red"?']),
    (["tenant-del", "nobody"], ['no tenant "nobody"', "blue, red"]),
    (["tenant-del", "red"], ["still has VIFs (red-1)", "--force"]),
])
def test_bad_tenants(two, argv, parts):
    line = two.refuse(*argv)
    for part in parts:
        assert part in line


def test_may_exist_is_idempotent(two):
    two.do("--may-exist", "tenant-add", "red", "vf=vf-red")
    before = two.dump()
    two.do("--may-exist", "tenant-add", "red", "vf=vf-red", "--",
           "--may-exist", "vif-add", "red", "red-1", "guest=g1",
           "mac=00:16:3e:00:00:01", "--",
           "--may-exist", "profile-add", "gold", "tx_rate=1Gbit", "--",
           "--may-exist", "vf-add", "vf-red", "iface=red0", "--",
           "--may-exist", "host-add", "h1")
    assert two.dump() == before


def test_tenant_del_force_takes_its_vifs(two):
    two.do("--force", "tenant-del", "red")
    assert [r["vif"] for r in two.rows("vif-list")] == ["blue-1"]
    two.do("tenant-add", "green", "vf=vf-red")


def test_many_names_are_cut_short(two):
    for i in range(12):
        two.do("tenant-add", "many-%02d" % i)
    assert "and 6 more" in two.refuse("tenant-del", "something-else")


# OpenFlow.

def test_controllers(two):
    two.do("set-controller", "red", "tcp:10.0.0.1:6653", "tcp:10.0.0.1:6653",
           "ptcp:6653")
    assert (two.do("get-controller", "red")
            == "ptcp:6653\ntcp:10.0.0.1:6653\n")
    uuids = two.get("Tenant", "red", "controllers")
    two.do("set-controller", "red", "ptcp:6653", "tcp:10.0.0.1:6653")
    assert two.get("Tenant", "red", "controllers") == uuids
    two.do("set-controller", "red", "unix:/run/c.sock")
    assert two.do("get-controller", "red") == "unix:/run/c.sock\n"
    assert two.do("get-controller", "blue") == ""
    two.do("del-controller", "red")
    assert two.do("get-controller", "red") == ""
    assert two.do("--columns=_uuid", "list", "OpenFlow_Controller") == ""
    two.do("set-fail-mode", "red", "secure")
    assert two.do("get-fail-mode", "red") == "secure\n"


@pytest.mark.parametrize("argv, part", [
    (["set-controller", "red", "foo"], "tcp:ADDRESS:PORT"),
    (["set-controller", "red", "ptcp:1", "tcp:"], "tcp:ADDRESS:PORT"),
    (["set-controller", "red", "unix:/" + "x" * 260], "at most 256"),
    (["set-controller", "rde", "ptcp:1"], 'did you mean "red"?'),
    (["get-controller", "rde"], 'did you mean "red"?'),
    (["del-controller", "rde"], 'did you mean "red"?'),
    (["set-fail-mode", "red", "maybe"], "use standalone or secure"),
    (["set-fail-mode", "rde", "secure"], 'did you mean "red"?'),
    (["get-fail-mode", "rde"], 'did you mean "red"?'),
])
def test_bad_controllers(two, argv, part):
    assert part in two.refuse(*argv)


# VIFs.

def test_vif_add_with_everything(two):
    two.do("vif-add", "red", "red-2", "guest=g3", "devid=4",
           "mac=00:16:3E:AA:00:02", "mtu=1400", "vlan_tag=7",
           "addresses=10.0.0.2,FD00::2 10.1.0.0/16", "anti_spoof=mac,arp,ip",
           "profile=gold", "tx_rate=100Mbit", "tx_burst=64kB",
           "rx_rate_bps=5000000", "external_ids:note=a b")
    (vif,) = [v for t in two.show()["tenants"] for v in t["vifs"]
              if v["name"] == "red-2"]
    assert vif == {
        "name": "red-2", "guest": "g3", "devid": 4,
        "mac": "00:16:3e:aa:00:02", "mtu": 1400, "vlan_tag": 7,
        "vlan_trunks": [], "anti_spoof": ["arp", "ip", "mac"],
        "addresses": ["10.0.0.2", "10.1.0.0/16", "fd00::2"],
        "profile": "gold", "tx_rate_bps": 100000000, "tx_burst_bytes": 64000,
        "rx_rate_bps": 5000000}
    assert two.get("VIF", "red-2", "external_ids:note") == '"a b"'


def test_vif_add_fills_in_devid_and_mac(two):
    two.do("vif-add", "red", "a", "guest=g7")
    two.do("vif-add", "red", "b", "guest=g7")
    two.do("vif-add", "red", "c", "guest=g7", "devid=5")
    two.do("vif-add", "red", "d", "guest=g7")
    rows = {row["vif"]: row for row in two.rows("vif-list", "red")}
    assert [rows[v]["devid"] for v in "abcd"] == [0, 1, 5, 2]
    macs = {rows[v]["mac"] for v in "abcd"}
    assert len(macs) == 4
    assert all(mac.startswith("00:16:3e:") for mac in macs)
    two.do("vif-del", "a")
    two.do("vif-add", "red", "a", "guest=g7")
    assert two.get("VIF", "a", "mac").strip('"') == rows["a"]["mac"]


def test_a_made_mac_avoids_used_ones(two):
    two.do("vif-add", "red", "a", "guest=g7")
    mac = two.get("VIF", "a", "mac").strip('"')
    two.do("vif-del", "a", "--", "vif-set", "blue-1", "mac=" + mac, "--",
           "vif-add", "red", "a", "guest=g7")
    assert two.get("VIF", "a", "mac").strip('"') != mac


def test_tenants_may_use_the_same_mac(two):
    assert two.get("VIF", "red-1", "mac") == two.get("VIF", "blue-1", "mac")


def test_one_mac_in_two_vlans_of_a_tenant(two):
    two.do("vif-set", "red-1", "vlan_tag=5")
    two.do("vif-add", "red", "red-2", "guest=g9", "vlan_tag=6",
           "mac=00:16:3e:00:00:01")
    assert "has the MAC" in two.refuse("vif-set", "red-2", "vlan_tag=5")


def test_trunks_take_ranges(two):
    two.do("vif-set", "red-1", "vlan_trunks=0,10-12,20")
    assert two.get("VIF", "red-1", "vlan_trunks") == "[0, 10, 11, 12, 20]"
    two.do("vif-set", "red-1", "vlan_trunks=")
    assert two.get("VIF", "red-1", "vlan_trunks") == "[]"


def test_an_empty_value_clears(two):
    keys = {"mtu": "1400", "vlan_tag": "5", "addresses": "10.0.0.1",
            "anti_spoof": "mac", "profile": "gold", "tx_rate": "1Mbit",
            "tx_burst": "64kB", "rx_rate": "1Mbit", "rx_burst": "64kB"}
    before = two.dump()
    two.do("vif-set", "red-1", *("%s=%s" % item for item in keys.items()))
    assert two.dump() != before
    two.do("vif-set", "red-1", *("%s=" % key for key in keys))
    assert two.dump() == before


def test_may_exist_sets_what_is_given(two):
    two.do("--may-exist", "vif-add", "red", "red-1", "guest=g1", "mtu=1400")
    assert two.get("VIF", "red-1", "mtu") == "1400"
    assert two.get("VIF", "red-1", "mac") == '"00:16:3e:00:00:01"'


def test_vif_release(two):
    """Raises the number, for a VIF in quarantine only."""
    for state in "connected", "error":
        two.set_status("VIF", "red-1", state=state)
        assert "is %s: only one in quarantine" % state in two.refuse(
            "vif-release", "red-1")
    assert two.get("VIF", "red-1", "releases") == "0"
    two.set_status("VIF", "red-1", state="quarantined", error="it lied")
    shown = two.do("show")
    assert "VIF red-1: quarantined" in shown and "error: it lied" in shown
    assert "it lied" in two.do("vif-list")
    for n in "1", "2":
        two.do("vif-release", "red-1")
        assert two.get("VIF", "red-1", "releases") == n
    assert two.get("VIF", "blue-1", "releases") == "0"
    assert "no VIF" in two.refuse("vif-release", "nobody")


def test_a_release_that_did_not_help_exits_1(two):
    two.set_status("VIF", "red-1", state="quarantined")
    done = wait_with(two, {("VIF", "red-1"): {"state": "quarantined",
                                              "error": "it lied again"}},
                     "vif-release", "red-1")
    assert done.returncode == 1
    assert "is quarantined: it lied again" in done.stderr


def test_vif_del(two):
    two.do("vif-del", "red-1")
    assert "no VIF" in two.refuse("vif-del", "red-1")
    two.do("--if-exists", "vif-del", "red-1")
    two.do("--if-exists", "vif-set", "red-1", "mtu=1400")
    assert two.rows("vif-list", "red") == []
    assert len(two.rows("vif-list")) == 1


@pytest.mark.parametrize("argv, parts", [
    (["vif-add", "rde", "x", "guest=g9"], ['did you mean "red"?']),
    (["vif-add", "red", "x"], ["guest=GUEST"]),
    (["vif-add", "red", "red-1", "guest=g9"], ["there already", "vif-set"]),
    (["vif-add", "blue", "red-1", "guest=g9"],
     ["there already, in tenant red"]),
    (["--may-exist", "vif-add", "blue", "red-1", "guest=g9"],
     ["there already, in tenant red"]),
    (["vif-add", "red", "x", "guest=g1", "devid=0"],
     ['device 0 of guest g1 is VIF "red-1"', "another devid"]),
    (["vif-add", "blue", "x", "guest=g1", "devid=0"],
     ['device 0 of guest g1 is VIF "red-1"']),
    (["vif-set", "blue-1", "guest=g1"],
     ['device 0 of guest g1 is VIF "red-1"']),
    (["vif-add", "red", "x", "guest=g9", "devid=65536"], ["use 0 to 65535"]),
    (["vif-add", "red", "x", "guest=g9", "devid=-1"], ["use 0 to 65535"]),
    (["vif-add", "red", "x", "guest=g9", "devid="], ["use 0 to 65535"]),
    (["vif-add", "red", "x", "guest="], ["is empty"]),
    (["vif-add", "red", "x", "guest=a b"], ["without spaces"]),
    (["vif-add", "red", "x", "guest=netdom-red"], ["tenant's own domain"]),
    (["vif-add", "red", "x", "guest=" + "g" * 65], ["at most 64"]),
    (["vif-add", "red", "x", "guest=g9", "mac=nonsense"], ["six bytes"]),
    (["vif-add", "red", "x", "guest=g9", "mac=01:16:3e:00:00:01"],
     ["multicast", "unicast"]),
    (["vif-add", "red", "x", "guest=g9", "mac=00:00:00:00:00:00"],
     ["all zero"]),
    (["vif-add", "red", "x", "guest=g9", "mac=00:16:3e:00:00:01"],
     ['VIF "red-1" of tenant red has the MAC']),
    (["vif-set", "red-1", "mtu=67"], ["use 68 to 9000"]),
    (["vif-set", "red-1", "mtu=9001"], ["use 68 to 9000"]),
    (["vif-set", "red-1", "mtu=1500x"], ["whole number"]),
    (["vif-set", "red-1", "vlan_tag=4095"], ["use 1 to 4094"]),
    (["vif-set", "red-1", "vlan_trunks=4096"], ["use 0 to 4095"]),
    (["vif-set", "red-1", "vlan_trunks=5-4"], ["use 5 to 4095"]),
    (["vif-set", "red-1", "vlan_trunks=5,5"], ["duplicate"]),
    (["vif-set", "red-1", "vlan_tag=5", "vlan_trunks=6"], ["clear one"]),
    (["vif-set", "red-1", "addresses=10.0.0"], ["is not an IP address"]),
    (["vif-set", "red-1", "addresses=10.0.0.5/24"], ["bits behind"]),
    (["vif-set", "red-1", "addresses=" + ",".join(
        "10.0.0.%d" % i for i in range(33))], ["at most 32"]),
    (["vif-set", "red-1", "anti_spoof=dns"], ["use mac, arp and ip"]),
    (["vif-set", "red-1", "profile=gald"], ['did you mean "gold"?']),
    (["vif-set", "red-1", "tx_rate=100"], ["no unit"]),
    (["vif-set", "red-1", "tx_rate=0Mbit"], ["stop all traffic"]),
    (["vif-set", "red-1", "tx_rate=500Gbit"], ["400Gbit"]),
    (["vif-set", "red-1", "tx_rate=12MB/s"], ["tx_rate=12MB/s"]),
    (["vif-set", "red-1", "tx_rate_bps=100Mbit"], ["whole number"]),
    (["vif-set", "red-1", "tx_rate_bps=7999"], ["use 8000 to"]),
    (["vif-set", "red-1", "rx_burst=1500B"], ["1514"]),
    (["vif-set", "red-1", "rx_burst=1500"], ["unit"]),
    (["vif-set", "red-1", "name=x"], ['"name" cannot be set here']),
    (["vif-set", "red-1", "state=connected"],
     ['"state" cannot be set here']),
    (["vif-set", "red-1", "mtu"], ["is not KEY=VALUE"]),
    (["vif-set", "red-1", "=5"], ["cannot be set here"]),
    (["vif-set", "rde-1", "mtu=1400"], ['did you mean "red-1"?']),
    (["vif-del", "rde-1"], ['did you mean "red-1"?']),
    (["vif-list", "rde"], ['did you mean "red"?']),
])
def test_bad_vifs(two, argv, parts):
    line = two.refuse(*argv)
    for part in parts:
        assert part in line


def test_checks_without_addresses_are_warned_of(two):
    done = two.ctl("vif-set", "red-1", "anti_spoof=mac,ip")
    assert done.returncode == 0
    assert "warning" in done.stderr and "addresses=" in done.stderr
    assert two.do("vif-set", "red-1", "addresses=10.0.0.1") == ""


# Limits.

def limits(db, vif):
    (row,) = [v for t in db.show()["tenants"] for v in t["vifs"]
              if v["name"] == vif]
    return tuple(row.get(key) for key in ("tx_rate_bps", "tx_burst_bytes",
                                          "rx_rate_bps", "rx_burst_bytes"))


def test_set_rate_on_a_vif(two):
    two.do("set-rate", "red-1", "100Mbit")
    assert limits(two, "red-1") == (10 ** 8, None, 10 ** 8, None)
    two.do("set-rate", "red-1", "tx", "50Mbit", "burst", "64KiB")
    assert limits(two, "red-1") == (5 * 10 ** 7, 65536, 10 ** 8, None)
    two.do("set-rate", "red-1", "rx", "1.5Gbit/s")
    assert limits(two, "red-1") == (5 * 10 ** 7, 65536, 15 * 10 ** 8, None)
    two.do("set-rate", "red-1", "tx", "60Mbit")
    assert limits(two, "red-1")[:2] == (6 * 10 ** 7, None)
    two.do("set-rate", "red-1", "both", "none")
    assert limits(two, "red-1") == (None,) * 4


def test_set_rate_on_a_profile_reaches_its_vifs(two):
    two.do("vif-set", "red-1", "profile=gold", "--", "vif-set", "blue-1",
           "profile=gold", "rx_rate=1Mbit")
    two.do("set-rate", "gold", "both", "10Mbit", "burst", "20kB")
    assert limits(two, "red-1") == (10 ** 7, 20000, 10 ** 7, 20000)
    assert limits(two, "blue-1") == (10 ** 7, 20000, 10 ** 6, 20000)
    assert two.do("set-rate", "blue-1", "rx", "none") == (
        "blue-1 rx: 10Mbit, from profile gold\n")


@pytest.mark.parametrize("words, part", [
    (["red-1", "100"], "no unit"),
    (["red-1", "0Mbit"], "stop all traffic"),
    (["red-1", "0"], ""),
    (["red-1", "7kbit"], "8kbit"),
    (["red-1", "401Gbit"], "400Gbit"),
    (["red-1", "-5Mbit"], "is not a rate"),
    (["red-1", "fast"], "is not a rate"),
    (["red-1", "sideways", "5Mbit"], "is not a rate"),
    (["red-1", "tx"], "say which rate"),
    (["red-1", "5Mbit", "64kB"], "makes no sense"),
    (["red-1", "5Mbit", "burst"], "makes no sense"),
    (["red-1", "5Mbit", "burst", "64"], "unit"),
    (["red-1", "5Mbit", "burst", "1B"], "1514"),
    (["red-1", "none", "burst", "64kB"], "makes no sense"),
    (["rde-1", "5Mbit"], 'did you mean "red-1"?'),
])
def test_bad_rates(two, words, part):
    assert part in two.refuse("set-rate", *words)


def test_a_name_of_both_kinds_is_refused(two):
    two.do("profile-add", "red-1")
    assert "a VIF and a profile" in two.refuse("set-rate", "red-1", "5Mbit")


def test_profiles(two):
    (row,) = two.rows("profile-list")
    assert (row["profile"], row["tx_rate_bps"], row["rx_rate_bps"],
            row["vifs"]) == ("gold", 10 ** 9, 2 * 10 ** 9, 0)
    assert "there already" in two.refuse("profile-add", "gold")
    two.do("--may-exist", "profile-add", "gold", "tx_burst=1MB")
    two.do("profile-set", "gold", "rx_rate=")
    (row,) = two.rows("profile-list")
    assert (row["tx_burst_bytes"], row["rx_rate_bps"]) == (10 ** 6, None)
    assert "no unit" in two.refuse("profile-set", "gold", "tx_rate=5")
    assert 'did you mean "gold"?' in two.refuse("profile-set", "gld", "x=1")
    two.do("profile-del", "gold")
    assert "no profile" in two.refuse("profile-del", "gold")
    two.do("--if-exists", "profile-del", "gold")
    two.do("--if-exists", "profile-set", "gold", "tx_rate=1Mbit")


SHARES = {"tx_rate_pps": 1000, "tx_burst_packets": 64,
          "tx_min_rate_bps": 5000000, "tx_min_burst_bytes": 20000,
          "tx_weight": 7, "rx_rate_pps": 2000, "rx_burst_packets": 65,
          "rx_min_rate_bps": 6000000, "rx_min_burst_bytes": 30000,
          "rx_weight": 8}


@pytest.mark.parametrize("table, command, row", [
    ("VIF", "vif-set", "red-1"), ("QoS_Profile", "profile-set", "gold")])
def test_shares(two, table, command, row):
    """Guarantees, weights and packet rates, of VIFs and of profiles."""
    two.do(command, row, *("%s=%s" % item for item in SHARES.items()))
    for column, value in SHARES.items():
        assert two.get(table, row, column) == str(value)
    two.do(command, row, "tx_min_rate=1Gbit", "rx_min_burst=64KiB",
           "tx_weight=", "rx_rate_pps=")
    assert two.get(table, row, "tx_min_rate_bps") == "1000000000"
    assert two.get(table, row, "rx_min_burst_bytes") == "65536"
    assert two.get(table, row, "tx_weight") == "[]"
    assert two.get(table, row, "rx_rate_pps") == "[]"
    for word in ("tx_weight=0", "tx_weight=1001", "rx_rate_pps=-1",
                 "tx_min_rate=1", "tx_burst_packets=many"):
        assert word in two.refuse(command, row, word)


@pytest.mark.parametrize("table,command,row",
                         (("VIF", "vif-set", "red-1"),
                          ("QoS_Profile", "profile-set", "gold")))
def test_limits_as_toolstacks_write_them(two, table, command, row):
    """xl's rate and XAPI's kbps, which counts kilobytes."""
    for word, rate_bps, burst_bytes in (
            ("xen_rate=10Mb/s@50ms", 10000000, 62500),
            ("xen_rate=1MB/s", 8000000, 50000),
            ("xapi_kbps=1000", 8192000, 51200),
            ("xapi_kbps=1000,20000", 8192000, 20480)):
        two.do(command, row, word)
        assert two.get(table, row, "tx_rate_bps") == str(rate_bps)
        assert two.get(table, row, "tx_burst_bytes") == str(burst_bytes)
    assert "out of range" in two.refuse(command, row, "xapi_kbps=0")
    assert "10Mb/s@20ms" in two.refuse(command, row, "xen_rate=10Mbit")
    assert two.get(table, row, "tx_rate_bps") == "8192000"
    two.do(command, row, "xen_rate=")
    assert two.get(table, row, "tx_rate_bps") == "[]"
    assert two.get(table, row, "tx_burst_bytes") == "[]"


def test_what_is_intended_is_shown(two):
    """Without a switch, qos-show says what would be, and that it is not."""
    two.do("profile-set", "gold", "tx_rate=20Mbit", "rx_rate_pps=1000", "--",
           "vif-set", "red-1", "profile=gold", "rx_rate=5Mbit", "--",
           "tenant-set", "red", "profile=gold", "--",
           "group-add", "red", "web", "profile=gold")
    rows = {(row["name"], row["direction"]): row
            for row in two.rows("qos-show", "red")}
    assert {row["in_force"] for row in rows.values()} == {"no"}
    assert rows["red", "tx"]["rate_bps"] == 20000000
    assert rows["web", "rx"]["rate_pps"] == 1000
    assert rows["web", "tx"]["what"] == "group"
    assert rows["red-1", "tx"]["from"] == "profile gold"
    assert rows["red-1", "rx"]["rate_bps"] == 5000000
    assert rows["red-1", "rx"]["from"] == "the VIF"
    assert [row["name"] for row in two.rows("qos-show", "red-1")] == [
        "red-1", "red-1"]
    assert "20000000" in two.do("qos-show", "red-1")
    assert "no tenant" in two.refuse("qos-show", "rod")


def test_links(two):
    two.do("link-set", "pf0", "10Gbit", "--", "link-set", "pf1", "25Gbit")
    assert [(row["link"], row["rate_bps"], row["vfs"])
            for row in two.rows("link-list")] == [
                ("pf0", 10000000000, 0), ("pf1", 25000000000, 0)]
    two.do("vf-add", "vf-linked", "iface=linked0", "link=pf0")
    assert two.get("VF", "vf-linked", "link") == "pf0"
    assert two.rows("link-list")[0]["vfs"] == 1
    two.do("link-set", "pf0", "40Gbit")
    assert two.rows("link-list")[0]["rate_bps"] == 40000000000
    assert "is on link \"pf0\" still" in two.refuse("link-del", "pf0")
    two.do("link-del", "pf1")
    assert len(two.rows("link-list")) == 1
    assert "has no link \"pf1\"" in two.refuse("link-del", "pf1")
    two.do("--if-exists", "link-del", "pf1")
    for words in (("pf2", "10"), ("pf2", "999kbit"), ("p/2", "1Gbit")):
        assert two.refuse("link-set", *words)
    assert "no host" in two.refuse("link-set", "pf2", "1Gbit", "nowhere")


def test_queues(two):
    two.do("vif-set", "red-1", "queues=8")
    assert two.get("VIF", "red-1", "queues") == "8"
    assert "queues=9" in two.refuse("vif-set", "red-1", "queues=9")
    two.do("vif-set", "red-1", "queues=")
    assert two.get("VIF", "red-1", "queues") == "[]"


def test_groups(two):
    two.do("group-add", "red", "web", "profile=gold", "--",
           "vif-set", "red-1", "group=web", "--",
           "group-add", "blue", "web")
    assert [(row["tenant"], row["profile"], row["vifs"])
            for row in two.rows("group-list")] == [
                ("blue", None, 0), ("red", "gold", 1)]
    assert len(two.rows("group-list", "red")) == 1
    shown = two.do("show")
    assert "group web: profile gold" in shown
    assert "in group web" in shown and "group web: no limits" in shown
    (red,) = [tenant for tenant in json.loads(
        two.do("--format=json", "show"))["tenants"]
              if tenant["name"] == "red"]
    assert red["groups"] == [{"name": "web", "profile": "gold"}]
    assert red["vifs"][0]["group"] == "web"

    assert "a group \"web\" already" in two.refuse("group-add", "red", "web")
    two.do("--may-exist", "group-add", "red", "web", "profile=")
    assert two.rows("group-list", "red")[0]["profile"] is None
    two.do("group-set", "red", "web", "profile=gold")
    assert "no group" in two.refuse("group-set", "red", "wob", "profile=gold")
    assert "no profile" in two.refuse("group-set", "red", "web",
                                      "profile=tin")
    assert "no group" in two.refuse("vif-set", "blue-1", "group=mail")
    assert "group's name" in two.refuse("group-add", "red", "a/b")
    two.do("--if-exists", "group-set", "red", "wob", "profile=gold")
    assert "still limits group web" in two.refuse("profile-del", "gold")
    assert "still has VIFs, such as red-1" in two.refuse("group-del", "red",
                                                         "web")
    two.do("--force", "group-del", "red", "web")
    assert two.get("VIF", "red-1", "group") == "[]"
    two.do("--if-exists", "group-del", "red", "web")
    two.do("tenant-set", "blue", "profile=gold")
    assert "together under profile gold" in two.do("show")
    assert "still limits tenant blue" in two.refuse("profile-del", "gold")
    two.do("--force", "profile-del", "gold")
    assert two.get("Tenant", "blue", "profile") == "[]"

    # A tenant takes its groups along.
    two.do("--force", "tenant-del", "blue")
    assert two.rows("group-list") == []


def test_a_profile_in_use_stays(two):
    two.do("vif-set", "red-1", "profile=gold")
    line = two.refuse("profile-del", "gold")
    assert "red-1" in line and "--force" in line
    two.do("--force", "profile-del", "gold")
    assert two.get("VIF", "red-1", "profile") == "[]"


# show and the database commands.

def test_show_has_units_and_states(two):
    two.do("set-rate", "red-1", "tx", "100Mbit", "burst", "64kB", "--",
           "set-controller", "red", "tcp:10.0.0.1:6653")
    two.set_status("Tenant", "red", state="running", domid=3,
                   state_since="2025-03-31T09:30:00Z")
    two.set_status("VIF", "red-1", state="error", error="ring 5 is broken",
                   port="vif7.0")
    two.set_status("VF", "vf-red", state="missing")
    text = two.do("show")
    for part in ("host h1\n", "VF vf-red: device red0, vlan 100, missing\n",
                 "tenant red: running since 2025-03-31T09:30:00Z\n",
                 "VF vf-red, domain 3, fail mode standalone\n",
                 "controller tcp:10.0.0.1:6653\n",
                 "VIF red-1: error\n", "port vif7.0\n",
                 "tx 100Mbit burst 64kB, rx no limit\n",
                 "error: ring 5 is broken\n",
                 "tenant blue: not taken up yet\n"):
        assert part in text


def test_show_tells_of_tenants_without_a_host(two):
    two.do("clear", "Tenant", "red", "host")
    assert "no host\n    tenant red" in two.do("show")


def test_database_commands(two):
    assert "name                : red-1" in two.do("list", "VIF", "red-1")
    two.do("set", "VIF", "red-1", "mtu=1400")
    assert two.get("VIF", "red-1", "mtu") == "1400"
    assert "red-1" in two.do("--columns=name", "find", "VIF", "mtu=1400")
    two.do("add", "VIF", "red-1", "addresses", '"10.0.0.9"')
    two.do("remove", "VIF", "red-1", "addresses", '"10.0.0.9"')
    two.do("clear", "VIF", "red-1", "mtu")
    uuid = two.do("--id=@p", "create", "QoS_Profile", "name=silver", "--",
                  "add", "Netdom", ".", "profiles", "@p").strip()
    assert re.fullmatch(r"[0-9a-f-]{36}", uuid)
    two.do("wait-until", "VIF", "red-1", "name=red-1")
    two.do("comment", "said", "aloud")
    assert json.loads(two.do("--format=json", "list", "Host"))["data"]


@pytest.mark.parametrize("words, part", [
    (["VIF", "red-1", "tx_rate_bps=0"], "valid range 8000"),
    (["VIF", "red-1", "devid=65536"], "valid range"),
    (["VIF", "red-1", "mtu=1"], "valid range"),
    (["VIF", "red-1", "anti_spoof=dns"], "constraint"),
    (["VIF", "red-1", "mac=x"], "minimum allowed length"),
    (["VIF", "red-1", "name=other"], "cannot modify read-only column"),
    (["VIF", "nobody", "mtu=1400"], "no row"),
    (["VIF", "blue-1", "guest=g1"], "refused the change"),
])
def test_the_schema_holds_against_set(two, words, part):
    assert part in two.refuse("set", *words)


def test_wait_until_is_bounded(two):
    began = time.monotonic()
    line = two.refuse("--timeout=1", "wait-until", "VIF", "red-1",
                      "state=connected")
    assert time.monotonic() - began < 5
    assert "within 1 s" in line


# Waiting for the controller.

class Controller(threading.Thread):
    """Stands for netdom-controller: applies each change once it sees it."""

    def __init__(self, db, **states):
        super().__init__(daemon=True)
        self.db = db
        self.states = states
        self.stopping = False
        self.start()

    def run(self):
        seen = 0
        while not self.stopping:
            (result,) = self.db.transact(
                {"op": "select", "table": "Netdom", "where": [],
                 "columns": ["next_cfg"]})
            for row in result["rows"]:
                if row["next_cfg"] > seen:
                    seen = row["next_cfg"]
                    for (table, name), columns in self.states.items():
                        self.db.set_status(table, name, **columns)
                    self.db.transact(
                        {"op": "update", "table": "Netdom", "where": [],
                         "row": {"cur_cfg": seen}})
            time.sleep(0.02)

    def stop(self):
        self.stopping = True
        self.join(10)
        assert not self.is_alive()


def wait_with(db, states, *argv):
    controller = Controller(db)
    controller.states = states
    try:
        return db.ctl("--wait", "--timeout=10", *argv)
    finally:
        controller.stop()


def test_wait_counts_up_and_returns_when_applied(two):
    done = wait_with(two, {("VIF", "red-1"): {"state": "connected"},
                           ("Tenant", "red"): {"state": "running"}},
                     "vif-set", "red-1", "mtu=1400")
    assert (done.returncode, done.stderr) == (0, "")
    assert two.get("Netdom", ".", "next_cfg") == "1"


def test_wait_also_when_nothing_changed(two):
    done = wait_with(two, {("Tenant", "red"): {"state": "running"}},
                     "--may-exist", "tenant-add", "red")
    assert (done.returncode, done.stderr) == (0, "")


def test_wait_on_a_fresh_database(db):
    done = wait_with(db, {}, "host-add", "h1")
    assert (done.returncode, done.stderr) == (0, "")


def test_no_wait_is_the_default_and_leaves_next_cfg(two):
    two.do("vif-set", "red-1", "mtu=1400")
    two.do("--wait", "--no-wait", "vif-set", "red-1", "mtu=1300")
    assert two.get("Netdom", ".", "next_cfg") == "0"


def test_reading_waits_for_what_others_changed(two):
    done = wait_with(two, {("VIF", "red-1"): {"state": "connected"}}, "get",
                     "VIF", "red-1", "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "connected\n"
    assert two.get("Netdom", ".", "next_cfg") == "1"
    done = two.ctl("--wait", "--timeout=1", "show")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "netdom-controller" in done.stderr


def test_reading_an_empty_database_with_wait(db):
    db.do("--wait", "--timeout=5", "show")


def test_a_failed_row_is_told_and_exits_1(two):
    done = wait_with(two, {("Tenant", "red"):
                           {"state": "failed", "error": "no such cgroup"}},
                     "tenant-set", "red", "fail_mode=secure")
    assert done.returncode == 1
    assert done.stderr == ('netdom-ctl: tenant "red" is failed: no such '
                           'cgroup\n')


def test_an_error_of_a_vif_is_told_and_exits_1(two):
    done = wait_with(two, {("VIF", "red-1"): {"state": "error",
                                              "error": "bad ring"},
                           ("VIF", "blue-1"): {"state": "error",
                                               "error": "not touched"}},
                     "set", "VIF", "red-1", "mtu=1400")
    assert done.returncode == 1
    assert done.stderr == 'netdom-ctl: VIF "red-1" is error: bad ring\n'


def test_a_vif_without_guest_is_told_of(two):
    done = wait_with(two, {("VIF", "new"): {"state": "no-guest"},
                           ("Tenant", "red"): {"state": "running"}},
                     "vif-add", "red", "new", "guest=g9")
    assert done.returncode == 0
    assert done.stderr == (
        'netdom-ctl: VIF "new" waits: no guest named g9 runs; it is plugged '
        'in when that starts\n')


def test_a_profile_tells_of_its_vifs(two):
    two.do("vif-set", "red-1", "profile=gold")
    done = wait_with(two, {("VIF", "red-1"): {"state": "error",
                                              "error": "bad burst"}},
                     "set-rate", "gold", "5Mbit")
    assert done.returncode == 1
    assert "bad burst" in done.stderr


def test_a_missing_device_is_told_of(two):
    done = wait_with(two, {("VF", "vf-new"): {"state": "missing"}},
                     "vf-add", "vf-new", "iface=new0")
    assert done.returncode == 0
    assert "not on the host" in done.stderr


def test_no_controller_is_told_after_the_timeout(two):
    began = time.monotonic()
    done = two.ctl("--wait", "--timeout=1", "vif-set", "red-1", "mtu=1400")
    assert time.monotonic() - began < 5
    assert done.returncode == 1
    assert "is in the database" in done.stderr
    assert "on host h1" in done.stderr
    assert "netdom-controller" in done.stderr
    assert two.get("VIF", "red-1", "mtu") == "1400"


def test_wait_survives_a_restart_of_the_server(two):
    waiting = subprocess.Popen(
        [CTL, "--run-dir=%s" % two.dir, "--wait", "--timeout=20", "vif-set",
         "red-1", "mtu=1400"], stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 10
        while two.get("Netdom", ".", "next_cfg") != "1":
            assert time.monotonic() < until
        two.stop()
        two.start()
        two.set_status("VIF", "red-1", state="connected")
        two.transact({"op": "update", "table": "Netdom", "where": [],
                      "row": {"cur_cfg": 1}})
        _, stderr = waiting.communicate(timeout=20)
    finally:
        waiting.kill()
        waiting.wait()
    assert waiting.returncode == 0, stderr


# Several admins at once.

def test_adding_at_once_loses_nothing(two):
    running = [subprocess.Popen(
        [CTL, "--run-dir=%s" % two.dir, "vif-add", "red", "v%d" % i,
         "guest=same"]) for i in range(8)]
    assert [p.wait(timeout=30) for p in running] == [0] * 8
    rows = two.rows("vif-list", "red")
    assert len(rows) == 9
    assert (sorted(r["devid"] for r in rows if r["guest"] == "same")
            == list(range(8)))


# What is written about it.

def man_text():
    text = (ROOT / "tools/ctl/netdom-ctl.8").read_text()
    return re.sub(r"\\f[BIR]", "", text).replace("\\-", "-")


def our_commands():
    done = subprocess.run([CTL, "--commands"], capture_output=True, text=True,
                          timeout=10, check=True)
    return [line.split(",")[1] for line in done.stdout.splitlines()]


def test_every_command_is_in_the_man_page_and_the_help():
    page = man_text()
    usage = subprocess.run([CTL, "--help"], capture_output=True, text=True,
                           timeout=10).stdout
    for command in our_commands():
        assert re.search(r"\b%s\b" % command, page), command
        if command != "comment":
            assert re.search(r"\b%s\b" % command, usage), command


def test_every_option_is_in_the_man_page():
    done = subprocess.run([CTL, "--options"], capture_output=True, text=True,
                          timeout=10, check=True)
    page = man_text()
    for option in re.findall(r"^--([\w-]+)", done.stdout, re.M):
        assert "--" + option in page, option


def complete(db, *words):
    """What bash would offer for the last of 'words'."""
    script = ROOT / "tools/ctl/netdom-ctl.bash-completion"
    line = ["netdom-ctl", "--run-dir=%s" % db.dir, *words]
    code = ("source %s; COMP_WORDS=(%s); COMP_CWORD=%d; _netdom_ctl; "
            'printf "%%s\\n" "${COMPREPLY[@]}"' % (
                script, " ".join("'%s'" % w for w in line), len(line) - 1))
    done = subprocess.run(
        ["bash", "-euc", code], capture_output=True, text=True, timeout=20,
        env={"PATH": "%s:/usr/sbin:/usr/bin:/sbin:/bin" % CTL.parent})
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_bash_completion(two):
    assert complete(two, "vif-l") == ["vif-list"]
    assert complete(two, "--dry") == ["--dry-run"]
    assert sorted(complete(two, "tenant-del", "")) == ["blue", "red"]
    assert complete(two, "vif-set", "red") == ["red-1"]
    assert complete(two, "vif-add", "r") == ["red"]
    assert complete(two, "vif-set", "red-1", "prof") == ["profile="]
    assert "vf-free" in complete(two, "vf-del", "")
    assert complete(two, "host-del", "") == ["h1"]
    assert complete(two, "set-rate", "go") == ["gold"]
    assert complete(two, "vif-list", "--", "tenant-del", "b") == ["blue"]
    assert complete(two, "list", "QoS") == ["QoS_Group",
                                                 "QoS_Profile"]
    # As bash splits words by default.
    assert complete(two, "tenant-set", "red", "vf", "=", "vf-f") == [
        "vf-free"]
    assert complete(two, "vif-set", "red-1", "profile", "=") == ["gold"]
    assert complete(two, "vif-set", "red-1", "mtu", "=", "5", "vlan_ta") == [
        "vlan_tag="]
