"""Where is order X: whom to ask (`inquiry`), what they say (`views`), what it comes to
(`standing`), who decided what (`score`), and the whole of it as a timeline (`timeline`)."""
