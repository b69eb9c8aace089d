# Two guests through one tenant's domain.

file=/tmp/data

# send FROM TO ADDRESS [BLOCKS]: a file over TCP, compared.  /run/took gets how
# many seconds it took, by the sender's clock.
send() {
    run_in "$2" 20 "rm -f /tmp/got; (nc -l -p 5000 > /tmp/got &) ; sleep 1" &&
    run_in "$1" 90 "dd if=/dev/urandom of=$file bs=65536 count=${4:-32} \
        2>/dev/null; t0=\$(cut -d' ' -f1 /proc/uptime); \
        nc -w 10 $3 5000 < $file; echo \$t0; cut -d' ' -f1 /proc/uptime" \
        > /run/sent &&
    awk '{ was = is; is = $1 } END { print is - was }' /run/sent > /run/took &&
    want=$(run_in "$1" 20 "sha256sum < $file") &&
    wait_for 20 same "$2" "$want"
}

same() { [ "$(run_in "$1" 20 "sha256sum < /tmp/got")" = "$2" ]; }

answers() { run_in g1 60 "ping -c $1 -W 3 10.0.0.2" | grep -o '[0-9]* packets received'; }

driver tenant || fail "the tenant's domain serves"
say "the tenant's domain serves"
reach tenant
check "the tenant's switch answers OpenFlow" \
    ovs-ofctl show unix:/run/tenant.openflow
guest g1 'vif=["mac=00:16:3e:00:00:01,backend=tenant"]' || fail "g1 is up"
guest g2 'vif=["mac=00:16:3e:00:00:02,backend=tenant,rate=4Mb/s"]' || fail "g2 is up"
say "both guests are up"
run_in g1 30 "ip address add 10.0.0.1/24 dev eth0; ip link set eth0 up"
run_in g2 30 "ip address add 10.0.0.2/24 dev eth0; ip link set eth0 up"
sleep 2
got=$(answers 5)
[ "$got" = "5 packets received" ]
row "ping, guest to guest" "5 of 5" "${got%% *}" "answers" $?
check "TCP, 2 MiB, g1 to g2, compared" send g1 g2 10.0.0.2
fast_s=$(cat /run/took)
check "TCP, 2 MiB, g2 to g1, compared" send g2 g1 10.0.0.1
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
check "TCP with that rule" send g1 g2 10.0.0.2 4
ovs-ofctl --strict del-flows unix:/run/tenant.openflow "priority=10,icmp"
got=$(answers 3)
[ "${got%% *}" = 3 ]
row "ping without it" "3 of 3" "${got%% *}" "answers" $?
