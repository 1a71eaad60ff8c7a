"""Stands for kubectl: answers from a folder, and forwards ports to nowhere.

`get` prints the file `<first word>.json`, or complains with `<first word>.txt`; `exec` prints
`exec-<pod>.txt`, complains if there is none, and is silent for good if it is empty. `port-forward`
says that it listens and stays until it is told to end, or ends at once where `refuses.txt` says
why; each start is a line in `started`.
"""

import os
import sys
import time
from pathlib import Path

folder = Path(os.environ["STAND_IN"])
verb, what, *_rest = (word for word in sys.argv[1:] if not word.startswith("--"))
if verb == "get":
    kind = what.partition(",")[0]
    if (complaint := folder / f"{kind}.txt").exists():
        sys.exit(complaint.read_text())
    print((folder / f"{kind}.json").read_text())
elif verb == "exec":
    if not (said := folder / f"exec-{what}.txt").exists():
        sys.exit(f'Error from server (NotFound): pods "{what}" not found')
    print(said.read_text() or time.sleep(60))
else:
    with (folder / "started").open("a") as file:
        file.write(f"{os.getpid()} {what}\n")
    if (refusal := folder / "refuses.txt").exists():
        sys.exit(refusal.read_text())
    print("Forwarding from 127.0.0.1", flush=True)
    time.sleep(60)
