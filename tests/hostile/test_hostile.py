"""A guest that lies, in every way that netdom-hostile knows, at a switch
where two others are at work: these lose no frame, and the switch does with the
liar what the attack's line says, and no more."""

import pytest

from arena import Arena, Attacker, attacks

ATTACKS = {attack.name: attack for attack in attacks()}
DEATHS_AT_ONCE = 10

# Which attacks are those of an advisory's class; README.md says why, and what
# holds them off.
ADVISORIES = {
    "xsa_39": ["tx_producer_runs_away", "slots_21_to_24",
               "extra_without_end"],
    "xsa_90": ["slot_crosses_page"],
    "xsa_155": ["race_tx_size", "race_tx_size_over_page", "race_tx_offset",
                "race_source_mac"],
    "xsa_270": ["ctrl_mapping_out_of_range"],
    "xsa_332": ["events_storm_tx", "events_storm_rx",
                "events_storm_gso"],
    "xsa_349": ["watch_storm", "watch_storm_below"],
    "xsa_361": ["gref_bad_in_chain", "race_grant_revoked"],
    "xsa_362": ["rings_and_channels_of_nothing", "memory_sealed_late"],
    "xsa_367": ["gref_of_no_grant", "rx_grants_missing"],
    "xsa_374": ["rx_producer_runs_away"],
    "xsa_392": ["rx_ring_never_filled", "rx_ring_drips"],
    "xsa_423": ["headers_split_at_every_byte", "csum_blank_beyond_end"],
    "xsa_424": ["rx_ring_never_filled", "rx_grants_read_only"],
    "xsa_432": ["slots_1_to_18_every_layout"],
    "xsa_441": ["events_storm_while_closing"],
    "xsa_448": ["slots_empty"],
    "cve_2024_49936": ["hash_changed_under_traffic"],
    "cve_2026_45890": ["queues_number"],
}


@pytest.fixture(scope="module")
def arenas():
    """A list with the one arena of all cases; empty after one failed."""
    made = []
    yield made
    for arena in made:
        arena.close()


@pytest.fixture
def arena(arenas):
    if arenas and arenas[0].broken:
        arenas.pop().close()
    if not arenas:
        arenas.append(Arena())
    arena = arenas[0]
    arena.broken = True
    arena.check_victims()
    yield arena
    if arena.broken:
        print(arena.logs())


def carry_out(arena, names):
    for name in names:
        attack = ATTACKS[name]
        for variant in range(attack.runs):
            arena.carry_out(attack, variant)
        arena.check_victims()
    arena.broken = False


@pytest.mark.parametrize("name", [
    name for name, attack in ATTACKS.items() if attack.verdict != "gone"])
def test_attack(arena, name):
    carry_out(arena, [name])


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_advisory(arena, advisory):
    carry_out(arena, ADVISORIES[advisory])


def test_death_at_any_instruction(arena):
    """Guests that die in the middle of it, ten at a time."""
    attack = ATTACKS["death_at_any_instruction"]
    for first in range(0, attack.runs, DEATHS_AT_ONCE):
        dying = [Attacker(arena, attack, first + i, i)
                 for i in range(DEATHS_AT_ONCE)]
        words = []
        for attacker in dying:
            words += attacker.add_port_words()
        arena.switch.vsctl(*words)
        for attacker in dying:
            assert attacker.process.wait(timeout=10) == -9
            attacker.end()
        words = []
        for attacker in dying:
            words += ["--", "del-port", attacker.port]
        arena.switch.vsctl(*words)
        arena.check_victims()
    arena.broken = False
