"""Which contenders are left out, since a table with them would take hours."""

TIMES_SLOWER = 4  # torch's bf16 is 4.4 times slower than its f32 on class C, and takes hours


def too_slow(rates, kinds):
    """Who reaches less than a quarter of the best of its kind: name -> (its rate, the best one's name)."""
    found = {}
    for name, rate in rates.items():
        best = max((other for other in rates if kinds[other] == kinds[name]), key=rates.get)
        if rate * TIMES_SLOWER < rates[best]:
            found[name] = (rate, best)
    return found


_left_out = {}


def left_out_of(family):
    """Whom the tables of a family have left out so far, as too_slow() has it, to be added to: who is that slow is not
    tried again for the next one, for which torch's bf16 took two minutes each time."""
    return _left_out.setdefault(family, {})
