# Two guests through one tenant's domain.

# send FROM TO ADDRESS BYTES: over TCP, each byte judged where it arrives.
# /run/took gets how many seconds it took, by the sender's clock.
send() {
    run_in "$2" 20 "rm -f /tmp/verdict; \
        (stream receive 5000 $4 > /tmp/verdict 2>&1 &) ; sleep 1"
    run_in "$1" 120 "stream send $3 5000 $4" > /run/took
    sent=$?
    say "sender: $(cat /run/took); receiver: $(run_in "$2" 20 "cat /tmp/verdict")"
    return $sent
}

answers() { run_in g1 60 "ping -c $1 -W 3 10.0.0.2" | grep -o '[0-9]* packets received'; }

appliance create tenant "$(sha256sum < /images/vmlinux | cut -c1-64)" 2>/dev/null
[ $? = 1 ] && ! domid tenant >/dev/null 2>&1
told "an appliance that is not the one that was measured is refused" $?
driver tenant || fail "the tenant's domain serves"
say "the tenant's domain serves"
reach tenant
check "the tenant's switch answers OpenFlow" \
    ovs-ofctl show unix:/run/tenant.openflow
n=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ovs-ofctl show unix:/run/tenant.openflow >/dev/null && n=$((n + 1))
done
[ $n = 20 ]
row "connections to it, one after the other" "20" "$n" "answers" $?
guest g1 'vif=["mac=00:16:3e:00:00:01,backend=tenant"]' || fail "g1 is up"
guest g2 'vif=["mac=00:16:3e:00:00:02,backend=tenant,rate=4Mb/s"]' || fail "g2 is up"
say "both guests are up"
run_in g1 30 "ip address add 10.0.0.1/24 dev eth0; ip link set eth0 up"
run_in g2 30 "ip address add 10.0.0.2/24 dev eth0; ip link set eth0 up"
sleep 2
got=$(answers 5)
[ "$got" = "5 packets received" ]
row "ping, guest to guest" "5 of 5" "${got%% *}" "answers" $?
check "TCP, 2000 bytes, compared" send g1 g2 10.0.0.2 2000
check "TCP, 2 MiB, g1 to g2, compared" send g1 g2 10.0.0.2 2097152
fast_s=$(cat /run/took)
check "TCP, 2 MiB, g2 to g1, compared" send g2 g1 10.0.0.1 2097152
slow_s=$(cat /run/took)

# 1448 bytes of 1514 on the wire are the file's.
part=$(awk -v s="$slow_s" 'BEGIN { printf "%.3f",
    32 * 65536 * 1514 / 1448 * 8 / s / 4e6 }')
echo "$part" | awk '{ exit !($1 > 0.85 && $1 < 1.05) }'
row "g2 sends at its limit of 4 Mbit/s" "0.85 to 1.05" "$part" "times" $?
awk -v f="$fast_s" -v s="$slow_s" 'BEGIN { exit !(f < s) }'
row "g1, without a limit, was faster" "less than $slow_s" "$fast_s" "s" $?

ovs-ofctl add-flow unix:/run/tenant.openflow "priority=10,icmp,actions=drop"
got=$(answers 3)
[ "${got%% *}" = 0 ]
row "ping with a rule that drops it" "0 of 3" "${got%% *}" "answers" $?
check "TCP with that rule" send g1 g2 10.0.0.2 262144
ovs-ofctl --strict del-flows unix:/run/tenant.openflow "priority=10,icmp"
got=$(answers 3)
[ "${got%% *}" = 3 ]
row "ping without it" "3 of 3" "${got%% *}" "answers" $?
