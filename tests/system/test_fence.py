"""The fence below OpenFlow: what a guest forges dies in the port, counted by
name, whatever the tenant's controller has done to the flows."""

import time

import lab
from lab import net
from lab.scene import MAC_A, MAC_B

FORGED_MAC = "02:00:00:00:99:99"


def drops(scene, vif):
    return scene.host.counters(scene_tenant(vif))[
        scene.host.port(vif)]["drops"]


def scene_tenant(vif):
    return vif.split("-")[0]


def arp_reply(sender_mac, sender_ip, target_mac):
    """An ARP answer claiming that 'sender_ip' is at 'sender_mac'."""
    return (net.mac_bytes(target_mac) + net.mac_bytes(MAC_A)
            + bytes.fromhex("0806" "0001" "0800" "06" "04" "0002")
            + net.mac_bytes(sender_mac)
            + bytes(int(part) for part in sender_ip.split("."))
            + net.mac_bytes(target_mac) + bytes([10, 0, 0, 2])
            ).ljust(60, b"\0")


def send_and_collect(scene, frames, ethertype=net.ETH_P_EXPERIMENT):
    source, sink = scene.ends["red-a"], scene.ends["red-b"]
    counter = net.FrameCounter(sink.ns, sink.iface, ethertype)
    net.send_frames(source.ns, source.iface, frames)
    time.sleep(1.0)
    got = counter.take_all()
    counter.close()
    return got


def test_a_forged_mac_dies_with_every_flow_deleted(scene):
    honest = net.experiment_frame(MAC_B, MAC_A, 100, b"honest")
    forged = net.experiment_frame(MAC_B, FORGED_MAC, 100, b"forged")

    # With NORMAL switching: the honest pass, the forged do not.
    before = drops(scene, "red-a")
    got = send_and_collect(scene, [honest, forged] * 50)
    assert sum(b"honest" in frame for frame in got) == 50
    assert not any(b"forged" in frame for frame in got)

    # The tenant's controller deletes every flow, then lets all pass.
    scene.host.ofctl("red", "del-flows")
    scene.host.ofctl("red", "add-flow", "actions=FLOOD")
    scene.host.appctl("red", "revalidator/wait")
    got = send_and_collect(scene, [honest, forged] * 50)
    assert sum(b"honest" in frame for frame in got) == 50
    assert not any(b"forged" in frame for frame in got)

    # No flow at all: still counted as forged, by the port.
    scene.host.ofctl("red", "del-flows")
    scene.host.appctl("red", "revalidator/wait")
    assert send_and_collect(scene, [honest, forged] * 50) == []

    after = drops(scene, "red-a")
    assert after["tx_drop_spoof_mac"] - before["tx_drop_spoof_mac"] == 150


def test_the_count_shows_in_the_interface_statistics(scene):
    forged = net.experiment_frame(MAC_B, FORGED_MAC, 100, b"forged")
    send_and_collect(scene, [forged] * 20)

    def shown():
        text = scene.host.vsctl("red", "get", "interface",
                                scene.host.port("red-a"), "statistics")
        return "tx_drop_spoof_mac=20" in text.strip("{} \n").split(", ")
    lab.wait_for(shown, 12, "20 forged frames in the statistics",
                 poll_s=0.5)


def test_a_forged_arp_answer_dies(scene):
    lies = [arp_reply(FORGED_MAC, "10.0.0.100", MAC_B)] * 20
    before = drops(scene, "red-a")
    got = send_and_collect(scene, lies, 0x0806)
    assert not any(net.mac_bytes(FORGED_MAC) in frame for frame in got)
    after = drops(scene, "red-a")
    assert after["tx_drop_spoof_arp"] - before["tx_drop_spoof_arp"] == 20


def test_a_forged_source_address_dies(scene):
    """Frames from red-a that claim to come from red's other guest."""
    header = bytearray.fromhex("45000028" "00000000" "40fd0000"
                               "0a000002" "0a000064")
    total = sum(int.from_bytes(header[i:i + 2], "big")
                for i in range(0, 20, 2))
    total = (total & 0xffff) + (total >> 16)
    header[10:12] = (~(total + (total >> 16)) & 0xffff).to_bytes(2, "big")
    frame = (net.mac_bytes(MAC_B) + net.mac_bytes(MAC_A)
             + bytes.fromhex("0800") + bytes(header) + b"forged" * 4)
    before = drops(scene, "red-a")
    got = send_and_collect(scene, [frame] * 20, 0x0800)
    assert not any(b"forged" in packet for packet in got)
    after = drops(scene, "red-a")
    assert after["tx_drop_spoof_ip"] - before["tx_drop_spoof_ip"] == 20
