# Two tenants, each with an HVM domain that owns a VF of one card; their guests
# reach the wire through it, each in its tenant's VLAN, and not each other.

PF=0000:00:03.0
RED_VLAN=10 BLUE_VLAN=20                # As the bench looks for on the wire.
RED_MAC=00:16:3e:00:03:00 BLUE_MAC=00:16:3e:00:03:01
WIRE=10.0.0.100

ip=/usr/bin/ip                          # busybox's knows no VFs.

# holds NUMBER WORD...: the card says so of the VF.
holds() {
    said=$($ip link show eth0 | grep " vf $1 ")
    shift
    for word; do
        case $said in *"$word"*) ;; *) return 1;; esac
    done
}

# The emulated card gives a VF its own broadcasts back (it looks at
# DTXSWC.Loopback_en only, not at each VF's bit), so that the switch would learn
# its guests to be behind the uplink.
no_echo() {
    ovs-ofctl add-flow "unix:/run/$1.openflow" \
        "priority=100,in_port=vf0,dl_src=$2,actions=drop"
}

$ip link set eth0 up
echo 2 > /sys/bus/pci/devices/$PF/sriov_numvfs
$ip link set eth0 vf 0 mac $RED_MAC vlan $RED_VLAN
$ip link set eth0 vf 1 mac $BLUE_MAC vlan $BLUE_VLAN
check "the card holds red's MAC and VLAN" holds 0 $RED_MAC "vlan $RED_VLAN"
check "the card holds blue's MAC and VLAN" holds 1 $BLUE_MAC "vlan $BLUE_VLAN"

# tenant NAME NUMBER MAC GUEST ADDRESS: its domain, and a guest behind it.
tenant() {
    vf=$(basename "$(readlink "/sys/bus/pci/devices/$PF/virtfn$2")")
    hvm_driver "$1" "$vf" || fail "$1's domain is made"
    wait_for 300 serves "$1"
    told "$1's domain, HVM with a VF, serves" $?
    reach "$1"
    no_echo "$1" "$3"
    guest "$4" "vif=[\"mac=$3,backend=$1\"]" || fail "$4 is up"
    run_in "$4" 30 "ip address add $5/24 dev eth0; ip link set eth0 up"
    sleep 2
    reaches "from $1's guest through its VF to the wire and back" 3 "$4" $WIRE
}

# One after the other: both at once take many times as long here.
tenant red 0 $RED_MAC r1 10.0.0.1
tenant blue 1 $BLUE_MAC b1 10.0.0.2
reaches "from red to blue" 0 r1 10.0.0.2
reaches "red's guest still reaches the wire" 3 r1 $WIRE
