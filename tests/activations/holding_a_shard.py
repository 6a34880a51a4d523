"""Hold a shard of a store, as a run does that records it, until killed.

python holding_a_shard.py STORE SHARD
"""

import sys
import time

from otoscope.activations.layout import Layout

if __name__ == "__main__":
    with Layout(sys.argv[1]).claimed(int(sys.argv[2])) as held:
        print("held" if held else "not held", flush=True)
        time.sleep(600)
