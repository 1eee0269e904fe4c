"""What is asked about an answer or a table: verify, compare, ranging, inspect."""
