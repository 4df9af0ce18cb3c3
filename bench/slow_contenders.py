"""Which contenders are left out, since a table with them would take hours."""
import time

TIMES_SLOWER = 5  # class E's torch in bf16 reached 8.8 tokens/s where its f32 reached 49: a table of it takes hours
# Of one peer in two precisions the better counts, and the table of short texts has both: in others who is clearly
# slower would only take time.
TIMES_SLOWER_THAN_ITSELF = 1.5
UNSAID = 4  # by what rule results were measured that do not say
FRACTIONS = {1.5: "two thirds", 4: "a quarter", 5: "a fifth"}


def too_slow(rates, kinds, times=TIMES_SLOWER):
    """Who reaches less than a fifth of the best of its kind: name -> (its rate, the best one's name, that factor)."""
    found = {}
    for name, rate in rates.items():
        best = max((other for other in rates if kinds[other] == kinds[name]), key=rates.get)
        if rate * times < rates[best]:
            found[name] = (rate, best, times)
    return found


def slower_precision(rates, kinds):
    """torch in the precision that is clearly slower; onnxruntime's two are different models."""
    return too_slow({name: rate for name, rate in rates.items() if kinds[name] == "torch"}, kinds,
                    TIMES_SLOWER_THAN_ITSELF)


def probed(contenders, path, count, pause=time.sleep):
    """Tokens per second of each on a few texts: name -> rate. Whoever would be left out for it is tried once more, and
    the better of the two counts: a try takes milliseconds, and something else may have been at work. The peer before
    it, for one: onnxruntime's threads spin for a while when they have nothing left to do."""
    rates = {contender.name: contender.probe(path, count) for contender in contenders}
    slow = too_slow(rates, {contender.name: contender.kind for contender in contenders})
    for contender in contenders:
        if contender.name in slow:
            pause(1)
            rates[contender.name] = max(rates[contender.name], contender.probe(path, count))
    return rates


def note(name, rate, other, times):
    """What the results say of one that was left out, with the rule that it was measured by."""
    return {"name": name, "tokens_per_second": round(rate, 1), "slower_than": other, "times_slower": times}


def told(left_out):
    """'torch bf16, 8.8 tokens/s on a few texts, less than a fifth of torch f32', of a note()."""
    fraction = FRACTIONS[left_out.get("times_slower", UNSAID)]
    return (f"{left_out['name']}, {left_out['tokens_per_second']:,.1f} tokens/s on a few texts, "
            f"less than {fraction} of {left_out['slower_than']}")


_left_out = {}


def left_out_of(family):
    """Whom the tables of a family have left out so far, as too_slow() has it, to be added to: who is that slow is not
    tried again for the next one, for which torch's bf16 took two minutes each time."""
    return _left_out.setdefault(family, {})
