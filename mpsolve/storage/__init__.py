"""Files that survive kills, and what every room may lean on."""
