# Judges the change and tells it: annotations, the step's summary, outputs, and a comment where it is asked for.
# All that comes from a pull request is in variables; what is printed beside the annotations is no command.
set -uo pipefail

out="$RUNNER_TEMP/watchkeeper-risk"
mkdir -p "$out"
quiet="watchkeeper-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"

# What the program says is read by people; the runner must take no line of it for a command.
plainly() {
  printf '::stop-commands::%s\n' "$quiet"
  "$@" 2>&1
  local code=$?
  printf '\n::%s::\n' "$quiet"
  return "$code"
}

if [ -n "$RISK_PUBLISH" ]; then
  plainly "$RISK_PROGRAM" risk publish -- "$RISK_PUBLISH"
  exit $?
fi

# A branch that was just made has no commit before it.
if [[ "$RISK_BASE" =~ ^0+$ ]]; then RISK_BASE=""; fi

options=(
  "--repo=$GITHUB_WORKSPACE" "--base=$RISK_BASE" "--head=${RISK_HEAD:-HEAD}" "--title=$RISK_TITLE"
  "--description=${RISK_DESCRIPTION:0:20000}" "--url=$RISK_URL"
  --format=text --force "--also=json=$out/risk.json" "--also=markdown=$out/risk.md"
  "--also=sarif=$out/risk.sarif" "--also=github=$out/annotations" "--also=outputs=$out/outputs"
)
if [ -n "$RISK_FAIL_ON" ] && [ "$RISK_MODE" != advisory ]; then options+=("--fail-on=$RISK_FAIL_ON"); fi
if [ -n "$RISK_SERVER" ]; then options+=("--server=$RISK_SERVER"); fi
if [ -n "$RISK_REPORT" ]; then options+=("--report=$RISK_REPORT"); fi
if [ -n "$RISK_MODEL" ]; then options+=("--model=$RISK_MODEL"); fi

rm -f "$out"/*
plainly "$RISK_PROGRAM" risk "${options[@]}"
code=$?

if [ ! -f "$out/outputs" ]; then
  if [ "$RISK_MODE" = advisory ]; then
    echo "::warning title=Watchkeeper risk::The change could not be judged; the log says why"
    exit 0
  fi
  echo "::error title=Watchkeeper risk::The change could not be judged; the log says why"
  exit 2
fi

cat "$out/annotations"
head -c 1000000 "$out/risk.md" >> "$GITHUB_STEP_SUMMARY"
# `decision` is what this step does; `verdict` stays what was found.
if [ "$RISK_MODE" = advisory ]; then
  sed 's/^decision=hold$/decision=warn/' "$out/outputs" >> "$GITHUB_OUTPUT"
else
  cat "$out/outputs" >> "$GITHUB_OUTPUT"
fi
printf '%s=%s\n' json "$out/risk.json" sarif "$out/risk.sarif" markdown "$out/risk.md" >> "$GITHUB_OUTPUT"

if [ "$RISK_COMMENT" = true ]; then
  plainly "$RISK_PROGRAM" risk publish -- "$out/risk.json" ||
    echo "::warning title=Watchkeeper risk::The comment could not be written; the log says why"
fi
if [ "$RISK_MODE" = advisory ]; then exit 0; fi
exit "$code"
