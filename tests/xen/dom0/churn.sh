# A vif comes and goes, fifty times, and nothing is left behind.

TIMES=50

# The grants of g1's that somebody has mapped: Xen prints a line for each, with
# the domain's number before them.
grants() {
    xl dmesg -c > /dev/null
    xl debug-keys g
    xl dmesg | awk -v own="d$(domid g1)" \
        '/grant-table for remote/ { in_it = 0; for (i = 1; i <= NF; i++)
             if ($i == own) in_it = 1 }
         in_it && /\[0x/ { n++ } END { print n + 0 }'
}

# What the domain has of event channels and g1's grants, and xenstore of the vif.
remains() {
    echo "$(lsevtchn "$(domid tenant)" | wc -l) event channels," \
        "$(grants) grants," \
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
case $before in *" 0 grants"*) told "the bench sees g1's grants" 1;; esac
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
