# What a packet costs under load, as Xen counts it: hypercalls that copy grants,
# and events.  A packet from one guest to another is one of two vifs.

# packets NAME rx|tx: of its vif so far, as the switch sees them.
packets() {
    ovs-ofctl dump-ports unix:/run/tenant.openflow "vif$(domid "$1").0" \
        | sed -n "s/.*$2 pkts=\([0-9]*\),.*/\1/p"
}

driver tenant || fail "the tenant's domain serves"
reach tenant
guest g1 'vif=["mac=00:16:3e:00:00:01,backend=tenant"]' || fail "g1 is up"
guest g2 'vif=["mac=00:16:3e:00:00:02,backend=tenant"]' || fail "g2 is up"
for n in 1 2; do
    run_in g$n 30 "ip address add 10.0.0.$n/24 dev eth0; ip link set eth0 up"
done
# A frame costs some fifty times as much here as on a processor: so may a turn.
for n in 1 2; do
    ovs-vsctl --db=unix:/run/tenant.ovsdb set interface \
        "vif$(domid g$n).0" options:turn-us=5000
done

# Where the switch has less of a processor than its guests, work waits for it.
xl sched-credit2 -d tenant -c 20
run_in g1 20 "sleep 1; (flood 10.0.0.255 16 20 > /tmp/flood 2>&1 &) ; sleep 2"

# Hypercalls of PV domains, and which domain runs (masks are of classes).
begin=$(($(packets g1 rx) + $(packets g2 tx)))
xentrace -D -e 0x00229000 -S 1024 -T 3 /run/trace > /dev/null 2>&1
end=$(($(packets g1 rx) + $(packets g2 tx)))
run_in g1 20 "killall flood"
n_packets=$((end - begin))
set -- $(netdom-xen-hypercalls /run/trace \
    "$(domid tenant)" "$(domid g1)" "$(domid g2)")
copies=$1 segments=$2 events=$3 lost=$4
say "$n_packets packets, $copies hypercalls of $segments copies, $events on events"
[ "$n_packets" -ge 3000 ]
row "packets of two vifs" "3000 or more" "$n_packets" "packets" $?
[ "$lost" = 0 ]
row "records that Xen lost" 0 "$lost" "records" $?

# per NAME GOAL NUMBER: a row of what there is for each packet.
per() {
    got=$(awk -v n="$3" -v p="$n_packets" 'BEGIN { printf "%.4f", n / p }')
    awk -v g="$got" -v w="$2" 'BEGIN { exit !(g <= w) }'
    row "$1" "$2 or less" "$got" "a packet" $?
}
per "hypercalls that copy grants" 0.125 "$copies"
per "hypercalls on event channels, switch and guests" 0.03125 "$events"
