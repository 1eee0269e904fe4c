"""The place of everything that needs torch; it is empty so far, and the solver never imports it."""
