"""Which contenders are left out, since a table with them would take hours."""

TIMES_SLOWER = 3  # torch's bf16 is 4 to 5 times slower than its f32 on a CPU without BF16, and takes hours


def too_slow(rates, kinds):
    """Who reaches less than a third of the best of its kind: name -> (its rate, the best one's name)."""
    found = {}
    for name, rate in rates.items():
        best = max((other for other in rates if kinds[other] == kinds[name]), key=rates.get)
        if rate * TIMES_SLOWER < rates[best]:
            found[name] = (rate, best)
    return found
