"""How often the contenders of a table run in turn."""
import time

AT_LEAST = 2  # of one round nobody knows how far it is from the next
patience = 150.0  # seconds; without bound where the caller of script/bench says how many rounds


def turns(wanted, clock=time.monotonic):
    """The numbers of the rounds, from 0: as many as wanted, but no third when two have taken longer than patience."""
    began = clock()
    for number in range(wanted):
        if number >= AT_LEAST and clock() - began > patience:
            return
        yield number
