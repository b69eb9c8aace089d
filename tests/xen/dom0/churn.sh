# A vif comes and goes, fifty times, and nothing is left behind.

TIMES=50

# What the domain has of event channels, and xenstore of the vif.
remains() {
    echo "$(lsevtchn "$(domid tenant)" | wc -l) event channels," \
        "$(xenstore-ls "/local/domain/$(domid tenant)/backend" | wc -l) nodes"
}

has_state() {
    [ "$(xenstore-read \
        "/local/domain/$(domid tenant)/backend/vif/$(domid g1)/$1/state" \
        2>/dev/null)" = "$2" ]
}

driver tenant || fail "the tenant's domain serves"
guest g1 'vif=["mac=00:16:3e:00:00:01,backend=tenant"]' || fail "g1 is up"
wait_for 30 has_state 0 4 || fail "g1 is connected"
sleep 2
before=$(remains)
done=0
while [ $done -lt $TIMES ]; do
    xl network-attach g1 mac=00:16:3e:00:00:11 backend=tenant > /dev/null \
        && wait_for 30 has_state 1 4 && xl network-detach g1 1 > /dev/null \
        || break
    done=$((done + 1))
done
[ $done = $TIMES ]
row "a vif is attached and detached" $TIMES $done "times" $?
wait_for 20 eval '[ "$(remains)" = "$before" ]'
after=$(remains)
[ "$after" = "$before" ]
row "what there is after that, as before" "$before" "$after" "" $?
