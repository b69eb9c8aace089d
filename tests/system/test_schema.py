"""The database's schema and its prose, each against the other, against the
code's bounds, and against stock tools."""

import json
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

from netdom_db import BUILD, ROOT, SCHEMA, Database

TABLES = json.loads(SCHEMA.read_text())["tables"]
PROSE = ET.parse(ROOT / "ovsdb-schema/netdom.xml").getroot()


def prose_columns():
    """(table, column, text) of every column that is written about."""
    for table in PROSE.iter("table"):
        for column in table.iter("column"):
            for ref in column.iter("ref"):
                ref.text = ref.get("column", ref.get("table"))
            text = "".join(column.itertext()).strip()
            yield table.get("name"), column.get("name"), text


def schema_columns():
    return sorted((table, column) for table in TABLES
                  for column in TABLES[table]["columns"])


def test_every_column_has_prose_and_no_other():
    assert (sorted((table, column) for table, column, _ in prose_columns())
            == schema_columns())


def test_every_table_has_prose_and_a_title():
    titles = {t.get("name"): t.get("title") for t in PROSE.iter("table")}
    assert sorted(titles) == sorted(TABLES)
    assert all(titles.values())


def test_prose_says_who_writes_each_column():
    for table, column, text in prose_columns():
        assert re.match(r"(Intent|Status)\.  \S.{8}", text, re.S), (
            "%s:%s: %s" % (table, column, text))


def test_status_columns_are_said_to_be_status():
    status = {"state", "state_since", "error", "status", "platform", "port",
              "domid", "limits", "cur_cfg"}
    for table, column, text in prose_columns():
        assert text.startswith("Status.") == (column in status), (
            "%s:%s" % (table, column))


def test_every_reference_in_the_prose_leads_somewhere():
    for table in PROSE.iter("table"):
        for ref in table.iter("ref"):
            name = ref.get("table", table.get("name"))
            assert name in TABLES
            assert ref.get("column") in [None, *TABLES[name]["columns"]]


def test_numbers_have_their_unit_in_their_name():
    unitless = {"next_cfg", "cur_cfg", "queues", "vlan", "vlan_tag",
                "vlan_trunks", "numa_node", "devid", "domid", "mtu", "releases",
                "tx_weight", "rx_weight"}
    for table, column in schema_columns():
        key = TABLES[table]["columns"][column]["type"]
        key = key["key"] if isinstance(key, dict) else key
        kind = key["type"] if isinstance(key, dict) else key
        if kind in ("integer", "real"):
            assert column in unitless or column.endswith(
                ("_bps", "_bytes", "_pps", "_packets")), (
                "%s:%s" % (table, column))


def test_bounds_are_those_of_the_code():
    text = (ROOT / "qos/profile.h").read_text()
    low, high = (int(re.search(r"QOS_RATE_%s_BPS (\d+)" % end, text)[1])
                 for end in ("MIN", "MAX"))
    burst = int(re.search(r"QOS_BURST_MIN_BYTES (\d+)", text)[1])
    for table, column in schema_columns():
        key = TABLES[table]["columns"][column]["type"]
        key = key["key"] if isinstance(key, dict) else {}
        if column.endswith("rate_bps"):
            assert (key["minInteger"], key["maxInteger"]) == (low, high)
        elif column.endswith("burst_bytes"):
            assert (key["minInteger"], key["maxInteger"]) == (burst, 2 ** 30)
    fence = (ROOT / "datapath/fence.h").read_text()
    assert (TABLES["VIF"]["columns"]["addresses"]["type"]["max"]
            == int(re.search(r"FENCE_ADDRESSES_MAX (\d+)", fence)[1]))


@pytest.mark.parametrize("page", ["ovsdb-schema/netdom.5"])
def test_the_man_page_renders(page):
    done = subprocess.run(["groff", "-man", "-Tascii", "-P-cbou",
                           BUILD / page],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    for table in TABLES:
        assert "%s TABLE" % table in done.stdout


def test_stock_dump_and_monitor():
    database = Database()
    try:
        database.do("host-add", "h1")
        dump = database.dump()
        for table in TABLES:
            if table in ("Netdom", "Host"):
                assert "%s table" % table in dump
        monitor = subprocess.Popen(
            ["ovsdb-client", "--format=json", "monitor",
             "unix:%s" % database.socket, "Netdom", "Host", "name"],
            stdout=subprocess.PIPE, text=True)
        try:
            assert "h1" in monitor.stdout.readline()
            database.do("host-add", "h2")
            assert "h2" in monitor.stdout.readline()
        finally:
            monitor.terminate()
            monitor.wait(timeout=10)
            monitor.stdout.close()
    finally:
        database.close()
