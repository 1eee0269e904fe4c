"""What is known before a search: choice groups, redundancy, fixing, hull, conflicts."""
