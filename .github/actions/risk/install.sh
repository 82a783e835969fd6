# Installs the Watchkeeper that this action came with into a folder of the runner's, unless one is given.
set -euo pipefail

if [ -n "${RISK_PROGRAM:-}" ]; then
  printf 'program=%s\n' "$RISK_PROGRAM" >> "$GITHUB_OUTPUT"
  exit 0
fi
# The folder that this runs in may be a stranger's checkout: Python must import nothing from it.
cd /
folder="$RUNNER_TEMP/watchkeeper-program"
"$RISK_PYTHON" -I -m venv "$folder"
"$folder/bin/python" -I -m pip install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH/../../.."
printf 'program=%s\n' "$folder/bin/watchkeeper" >> "$GITHUB_OUTPUT"
