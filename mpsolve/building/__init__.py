"""From a latency table, and a network, to a problem: budgets, RAM and ROM, proxies."""
