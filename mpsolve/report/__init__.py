"""How results look: tables for people, and plots."""
