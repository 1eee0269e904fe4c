#!/bin/sh
# The runs behind report.md, about forty minutes on two cores; again after an interruption it goes on.
# PYTHON is an interpreter with mpsolve[bench] and pyscipopt; PEERS one with mpsolve[bench] and the
# peers of mpsolve/bench/PROTOCOL.md, or empty.
set -eu
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-.venv/bin/python}
run() { "$@" -o bench-results --time-limit 5; }
run "$PYTHON" -m bench run 'bundled/*' --fronts 2:98:4
if [ -n "${PEERS:-}" ]; then
    run "$PEERS" -m bench run 'bundled/*' 'scaled/*' --methods modelopt,mct,auto-round,pareto-dp
fi
run "$PYTHON" -m bench run 'scaled/*' --repeats 1
run "$PYTHON" -m bench run 'layers/??x9' 'layers/???x9' 'candidates/*' --budgets 50 --repeats 1
run "$PYTHON" -m bench run 'published/*' --repeats 1 || echo "without the published tables"
"$PYTHON" -m bench report bench-results -o docs/benchmark
