"""The route of new orders (`route`), and waiting until a mode has nothing left to do (`drain`)."""
