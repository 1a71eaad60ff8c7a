"""Orders: admission, which pins the mode; confirmation, rejection, and the order's timeline."""
