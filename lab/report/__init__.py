"""The report of a run: its shape (`model`), how it is made of what was measured (`figures`), its
charts (`charts`) and its page (`page`)."""
