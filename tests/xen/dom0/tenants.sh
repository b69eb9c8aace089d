# Two tenants: no way from one to the other, and what becomes of one is nothing
# to the other.

driver red || fail "red's domain serves"
driver blue || fail "blue's domain serves"
for name in red1 red2; do
    guest $name "vif=[\"mac=00:16:3e:00:01:0${name#red},backend=red\"]" \
        || fail "$name is up"
done
for name in blue1 blue2; do
    guest $name "vif=[\"mac=00:16:3e:00:02:0${name#blue},backend=blue\"]" \
        || fail "$name is up"
done
i=1
for name in red1 red2 blue1 blue2; do
    run_in $name 30 "ip address add 10.0.0.$i/24 dev eth0; \
        ip link set eth0 up"
    i=$((i + 1))
done
sleep 2

reaches "within red" 3 red1 10.0.0.2
reaches "within blue" 3 blue1 10.0.0.4
reaches "from red to blue" 0 red1 10.0.0.3

run_in blue1 30 "(ping -i 1 10.0.0.4 > /tmp/ping 2>&1 &) ; sleep 3" >/dev/null
check "red's domain is destroyed" netdom-domain destroy --domid="$(domid red)"
sleep 10
said=$(run_in blue1 30 "killall -INT ping; sleep 1; grep transmitted /tmp/ping")
say "blue: $said"
sent=${said%% *}
lost=$((sent - $(echo "$said" | sed 's/.*transmitted, \([0-9]*\) .*/\1/')))
[ "$lost" = 0 ] && [ "$sent" -ge 8 ]
row "what blue's guests lose meanwhile" "0 of $sent" "$lost" "answers" $?
