#!/bin/sh
# run_with_peers.sh PYTHON SCRIPT ARGUMENTS...: runs a script that needs the packages in requirements.txt.
# PYTHON is that of a virtual environment which has them; the variable COPPICE_PEERS_PYTHON goes before it.
# Exit code 77 when there is none: ctest counts the test as skipped.
python="${COPPICE_PEERS_PYTHON:-$1}"
shift
if [ ! -x "$python" ]; then
  echo "skipped: no Python with the packages that $1 needs (see tests/golden); set COPPICE_PEERS_PYTHON to one"
  exit 77
fi
exec "$python" "$@"
