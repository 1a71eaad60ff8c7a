"""What monitoring is worth, measured: in choreography without a tracker and with one, and with an
orchestrator. The same fault stalls sagas of both modes at the same time (`stall`); who notices, how
soon, and how much do they know (`alarms`, `series`); `tracker` runs the tracker for it."""
