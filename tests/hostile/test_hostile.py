"""A guest that lies, in every way that netdom-hostile knows, at a switch
where two others are at work: these lose no frame, and the switch does with the
liar what the attack's line says, and no more."""

import pytest

from arena import Arena, Attacker, attacks

ATTACKS = {attack.name: attack for attack in attacks()}
DEATHS_AT_ONCE = 10


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


def carry_out(arena, name):
    attack = ATTACKS[name]
    for variant in range(attack.runs):
        arena.carry_out(attack, variant)
    arena.check_victims()
    arena.broken = False


@pytest.mark.parametrize("name", [
    name for name, attack in ATTACKS.items() if attack.verdict != "gone"])
def test_attack(arena, name):
    carry_out(arena, name)


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
