# Random operations on Xen's own xenstore, as dom0 and as a guest, held against
# what the same came to on the stand-in's (/expected/WHO-SEED).

# differ WHO SEED N: of the lines.
differ() {
    [ "$3" = 0 ]
    row "xenstore as $1, seed $2" "0" "$3" "lines differ" $?
}

for seed in $SEEDS; do
    xenstore-rm /tool/storeops 2>/dev/null
    xenstore-write /tool/storeops ""
    netdom-xen-storeops /tool/storeops "$seed" "$OPERATIONS" > /run/ops
    diff "/expected/dom0-$seed" /run/ops > /run/diff
    head -n 20 /run/diff
    differ dom0 "$seed" "$(grep -c '^[+-][^+-]' /run/diff)"
done

guest g1 || fail "g1 is up"
folder=/local/domain/$(domid g1)/data/storeops
for seed in $SEEDS; do
    xenstore-rm "$folder" 2>/dev/null
    xenstore-write "$folder" ""
    xenstore-chmod "$folder" "n$(domid g1)" r0
    said=$(run_in g1 120 "storeops data/storeops $seed $OPERATIONS --no-watches \
        > /tmp/ops; \
        diff /expected/guest-$seed /tmp/ops > /tmp/diff; \
        grep -c '^[+-][^+-]' /tmp/diff; head -n 12 /tmp/diff")
    echo "$said" | tail -n +2
    differ guest "$seed" "$(echo "$said" | head -n 1)"
done
