"""How often the contenders of a table run in turn."""
import time

AT_LEAST = 2      # of one round nobody knows how far it is from the next
PATIENCE = 150.0  # seconds: so that all tables together stay under an hour on every class of CPU


def turns(wanted, patience=PATIENCE, clock=time.monotonic):
    """The numbers of the rounds, from 0: as many as wanted, but no third when two have taken longer than patience."""
    began = clock()
    for number in range(wanted):
        if number >= AT_LEAST and clock() - began > patience:
            return
        yield number
