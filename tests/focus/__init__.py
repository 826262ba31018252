"""Bills in FOCUS: landed exactly once, and in the marts to the last digit."""
