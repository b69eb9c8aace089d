# Two tenants in the database, each with a VF of one card: netdom-controller tells
# the card, and makes each an HVM domain that owns its VF.  Their guests reach the
# wire through it, each in its tenant's VLAN, and not each other.

. /scenario/netdom.sh

PF=0000:00:03.0
RED_VLAN=10 BLUE_VLAN=20                # As the bench looks for on the wire.
RED_MAC=00:16:3e:00:03:00 BLUE_MAC=00:16:3e:00:03:01
WIRE=10.0.0.100 RATE=100

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
    ovs-ofctl add-flow "unix:$RUN/tenants/$1/br0.mgmt" \
        "priority=100,in_port=vf0,dl_src=$2,actions=drop"
}

$ip link set eth0 up
echo 2 > /sys/bus/pci/devices/$PF/sriov_numvfs
wait_for 20 eval '[ "$(cat /sys/class/net/eth0/carrier)" = 1 ]'
database || fail "the database serves"
controller /images/delivered "$(cat /images/delivered/measurement)" \
    --domain-console=/var/log/xen/console \
    || fail "the controller runs"

# tenant NAME NUMBER MAC VLAN GUEST ADDRESS: its domain, and a guest behind it.
tenant() {
    vf=$(basename "$(readlink "/sys/bus/pci/devices/$PF/virtfn$2")")
    ctl vf-add "vf-$1" pci="$vf" mac="$3" vlan="$4" max_rate=${RATE}Mbit \
        -- tenant-add "$1" vf="vf-$1" -- vif-add "$1" "vif-$1" guest="$5" mac="$3"
    runs 300 "$1"
    told "$1's domain, HVM with a VF, runs" $?
    check "the card holds $1's MAC, VLAN and rate" \
        holds "$2" "$3" "vlan $4" "max_tx_rate ${RATE}Mbps"
    is vf "vf-$1" state used
    told "$1's VF is used, the database says" $?
    no_echo "$1" "$3"
    guest "$5" "vif=[\"mac=$3,backend=netdom-$1\"]" || fail "$5 is up"
    run_in "$5" 30 "ip address add $6/24 dev eth0; ip link set eth0 up"
    sleep 2
    reaches "from $1's guest through its VF to the wire and back" 3 "$5" $WIRE
}

# One after the other: both at once take many times as long here.
tenant red 0 $RED_MAC $RED_VLAN r1 10.0.0.1
tenant blue 1 $BLUE_MAC $BLUE_VLAN b1 10.0.0.2
reaches "from red to blue" 0 r1 10.0.0.2
reaches "red's guest still reaches the wire" 3 r1 $WIRE
$ip link set eth0 vf 0 vlan 0
wait_for 30 holds 0 "vlan $RED_VLAN"
told "what somebody else tells the card is put right" $?
reaches "and red's guest reaches the wire" 3 r1 $WIRE
[ $n_bad = 0 ] || tail -n 80 $RUN/netdom-controller.log
