#include "qos/limit.h"

#include "qos/minmax.h"

#define SECOND_NS 1000000000ull
#define BITS_PER_BYTE 8u

/* A word: the time, and which pace its user computed with.  Whoever used
 * another finds the word changed, and computes anew. */
#define GENERATION_BITS 4
#define GENERATION_MASK ((1u << GENERATION_BITS) - 1)

/* A limit is never further from full than this, whatever is owed. */
#define LEVEL_MAX_NS (1ull << 59)

static uint64_t
load(const struct qos_limit *limit)
{
    return __atomic_load_n(&limit->word, __ATOMIC_ACQUIRE);
}

static bool
swap(struct qos_limit *limit, uint64_t *word, uint64_t full_ns)
{
    uint64_t to = full_ns << GENERATION_BITS | (*word & GENERATION_MASK);

    return __atomic_compare_exchange_n(&limit->word, word, to, true,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* How long until it is full. */
static uint64_t
level_ns(uint64_t word, uint64_t now_ns)
{
    uint64_t full_ns = word >> GENERATION_BITS;

    return full_ns > now_ns ? full_ns - now_ns : 0;
}

/* What 'n' cost, with what was left over before; 'rest' is what is left over
 * now. */
static uint64_t
cost_ns(const struct qos_pace *pace, uint64_t n, uint64_t *rest)
{
    /* A rest from before a change may be more than this rate's nanosecond. */
    uint64_t cost = min(n, QOS_CHARGE_MAX) * pace->unit_ns
                    + min(*rest, pace->rate - 1);

    *rest = cost % pace->rate;
    return cost / pace->rate;
}

/* The part of a time of 'ns', at most that in which it fills, in bytes or
 * packets. */
static uint64_t
earned(const struct qos_pace *pace, uint64_t ns)
{
    /* burst < 2^31 and unit_ns < 2^33, so this is below 2^64. */
    return ns >= pace->burst_ns ? pace->burst : ns * pace->rate
                                                / pace->unit_ns;
}

/* The time in which 'n', at most the burst, is earned. */
static uint64_t
earning_ns(const struct qos_pace *pace, uint64_t n)
{
    uint64_t cost = n * pace->unit_ns;

    return n >= pace->burst ? pace->burst_ns
                            : cost / pace->rate + (cost % pace->rate != 0);
}

/* The credit at which a frame of 'first' may pass. */
static uint64_t
needed(const struct qos_pace *pace, uint64_t first, uint64_t reserve)
{
    uint64_t burst = pace->burst > reserve ? pace->burst - reserve : 0;

    return min(reserve, pace->burst) + (first <= burst ? first : burst / 2);
}

static uint64_t
room(const struct qos_pace *pace, uint64_t word, uint64_t first,
     uint64_t reserve, uint64_t now_ns)
{
    uint64_t level = level_ns(word, now_ns);

    if (level > pace->burst_ns) {
        return 0;
    }

    uint64_t credit = earned(pace, pace->burst_ns - level);
    uint64_t least = needed(pace, first, reserve);
    uint64_t free = credit > reserve ? credit - reserve : 0;
    return credit < least ? 0 : free > first ? free : first;
}

static void
set_pace(struct qos_pace *pace, uint64_t rate, uint64_t burst,
         uint64_t unit_ns)
{
    uint64_t cost = min(burst, QOS_CHARGE_MAX) * unit_ns;

    __atomic_store_n(&pace->rate, rate, __ATOMIC_RELAXED);
    __atomic_store_n(&pace->burst, min(burst, QOS_CHARGE_MAX),
                     __ATOMIC_RELAXED);
    __atomic_store_n(&pace->unit_ns, unit_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&pace->burst_ns,
                     rate ? cost / rate + (cost % rate != 0) : 0,
                     __ATOMIC_RELAXED);
}

/* A copy: the original may be overwritten, but then the word has changed. */
static struct qos_pace
get_pace(const struct qos_limit *limit, uint64_t word)
{
    const struct qos_pace *pace = &limit->paces[word & 1];

    return (struct qos_pace) {
        .rate = __atomic_load_n(&pace->rate, __ATOMIC_RELAXED),
        .burst = __atomic_load_n(&pace->burst, __ATOMIC_RELAXED),
        .unit_ns = __atomic_load_n(&pace->unit_ns, __ATOMIC_RELAXED),
        .burst_ns = __atomic_load_n(&pace->burst_ns, __ATOMIC_RELAXED),
    };
}

/* For those who change no word: the word, and its own pace. */
static uint64_t
look(const struct qos_limit *limit, struct qos_pace *pace)
{
    uint64_t word, after;

    do {
        word = load(limit);
        *pace = get_pace(limit, word);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        after = __atomic_load_n(&limit->word, __ATOMIC_RELAXED);
    } while ((word ^ after) & GENERATION_MASK);
    return word;
}

void
qos_limit_init(struct qos_limit *limit, enum qos_unit unit, uint64_t rate,
               uint64_t burst)
{
    uint64_t unit_ns = unit == QOS_BYTES ? BITS_PER_BYTE * SECOND_NS
                                         : SECOND_NS;

    set_pace(&limit->paces[0], rate, burst, unit_ns);
    set_pace(&limit->paces[1], rate, burst, unit_ns);
    __atomic_store_n(&limit->word, 0, __ATOMIC_RELEASE);
}

/* How far from full 'to' is if it has the credit that 'from' had at 'level'
 * from full. */
static uint64_t
convert(const struct qos_pace *from, const struct qos_pace *to,
        uint64_t level)
{
    if (!from->rate || !to->rate) {
        return 0;                       /* There was no credit, or is none. */
    }

    /* Both in units of 10^-9 bits or packets. */
    __int128 used = (__int128) level * from->rate;
    __int128 credit = (__int128) from->burst * from->unit_ns - used;
    __int128 full = (__int128) to->burst * to->unit_ns;
    if (credit >= full) {
        return 0;
    }

    __int128 missing = (full - credit + to->rate - 1) / to->rate;
    return missing < (__int128) LEVEL_MAX_NS ? missing : LEVEL_MAX_NS;
}

void
qos_limit_set(struct qos_limit *limit, uint64_t rate, uint64_t burst,
              uint64_t now_ns)
{
    uint64_t word = load(limit);
    struct qos_pace from = get_pace(limit, word);
    struct qos_pace *to = &limit->paces[!(word & 1)];
    uint64_t generation = (word + 1) & GENERATION_MASK, full_ns;

    if (from.rate == rate && from.burst == burst) {
        return;
    }
    set_pace(to, rate, burst, from.unit_ns);
    do {
        full_ns = now_ns + convert(&from, to, level_ns(word, now_ns));
    } while (!__atomic_compare_exchange_n(
                 &limit->word, &word, full_ns << GENERATION_BITS | generation,
                 true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
}

struct qos_pace
qos_limit_pace(const struct qos_limit *limit)
{
    struct qos_pace pace;

    look(limit, &pace);
    return pace;
}

bool
qos_limit_on(const struct qos_limit *limit)
{
    return qos_limit_pace(limit).rate != 0;
}

uint64_t
qos_limit_room(const struct qos_limit *limit, uint64_t first,
               uint64_t reserve, uint64_t now_ns)
{
    struct qos_pace pace;
    uint64_t word = look(limit, &pace);

    return pace.rate ? room(&pace, word, first, reserve, now_ns) : UINT64_MAX;
}

/* Takes 'n', if there is room or 'anyway'. */
static bool
draw(struct qos_limit *limit, uint64_t n, bool anyway, uint64_t first,
     uint64_t reserve, uint64_t now_ns, uint64_t *rest)
{
    uint64_t word = load(limit), left, full_ns;

    do {
        struct qos_pace pace = get_pace(limit, word);

        left = *rest;
        if (!pace.rate) {
            return true;
        }
        if (!anyway && room(&pace, word, first, reserve, now_ns) < n) {
            return false;
        }
        full_ns = now_ns + min(level_ns(word, now_ns)
                               + cost_ns(&pace, n, &left), LEVEL_MAX_NS);
    } while (!swap(limit, &word, full_ns));
    *rest = left;
    return true;
}

bool
qos_limit_take(struct qos_limit *limit, uint64_t n, uint64_t first,
               uint64_t reserve, uint64_t now_ns, uint64_t *rest)
{
    return draw(limit, n, false, first, reserve, now_ns, rest);
}

void
qos_limit_owe(struct qos_limit *limit, uint64_t n, uint64_t now_ns,
              uint64_t *rest)
{
    draw(limit, n, true, 0, 0, now_ns, rest);
}

void
qos_limit_give(struct qos_limit *limit, uint64_t n, uint64_t now_ns,
               uint64_t *rest)
{
    uint64_t word = load(limit), left, full_ns;

    do {
        struct qos_pace pace = get_pace(limit, word);
        uint64_t level = level_ns(word, now_ns);

        if (!pace.rate) {
            return;
        }

        uint64_t value = min(n, QOS_CHARGE_MAX) * pace.unit_ns;
        uint64_t back_ns = value / pace.rate;
        uint64_t part = value % pace.rate;

        left = min(*rest, pace.rate - 1);
        if (left < part) {              /* Out of a nanosecond given back. */
            left += pace.rate;
            back_ns++;
        }
        left -= part;
        if (back_ns > level) {
            back_ns = level;
            left = 0;                   /* It is full. */
        }
        full_ns = now_ns + level - back_ns;
    } while (!swap(limit, &word, full_ns));
    *rest = left;
}

uint64_t
qos_limit_ready_ns(const struct qos_limit *limit, uint64_t first,
                   uint64_t reserve, uint64_t now_ns)
{
    struct qos_pace pace;
    uint64_t word = look(limit, &pace);

    if (!pace.rate) {
        return now_ns;
    }

    /* It is there when it is no further from full than this. */
    uint64_t far_ns = pace.burst_ns - earning_ns(&pace, needed(&pace, first,
                                                               reserve));
    uint64_t level = level_ns(word, now_ns);
    return now_ns + (level > far_ns ? level - far_ns : 0);
}

uint64_t
qos_limit_earned(const struct qos_limit *limit, uint64_t ns)
{
    struct qos_pace pace;

    look(limit, &pace);
    return pace.rate ? earned(&pace, ns) : 0;
}

int64_t
qos_limit_credit(const struct qos_limit *limit, uint64_t now_ns)
{
    struct qos_pace pace;
    uint64_t word = look(limit, &pace);

    if (!pace.rate) {
        return 0;
    }

    __int128 used = (__int128) level_ns(word, now_ns) * pace.rate;
    __int128 credit = (__int128) pace.burst * pace.unit_ns - used;
    return credit / (__int128) pace.unit_ns;
}
