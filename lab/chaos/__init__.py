"""The crash matrix: its cells (`plan`, `kinds`), one process killed in one of them (`strike`), the
load they share (`scene`), how long a recovery took (`recovery`), and the sum (`matrix`)."""
