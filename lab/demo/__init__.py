"""The demo: what is played (`programme`), on what (`stage`), how (`play`), the part with the
switches (`storm`), and what it comes to (`outcome`, `traces`)."""
