#!/usr/bin/env bash
# What auditing costs per request: the same load on the server without the audit, with it, and with
# answers that wait for the disk, in turns. Needs wrk (Debian's package of that name).
#
#   examples/audit-server/load.sh [ROUNDS [SECONDS [CONNECTIONS]]]
#
# With another build of it in BEFORE, that one runs in turns with this one, and they are compared; AFTER is the
# build to measure, if not this folder's. MODES are those to measure: "off on durable".
set -euo pipefail
cd "$(dirname "$0")/../.."
modes=${MODES:-off on durable}
rounds=${1:-5} seconds=${2:-10} connections=${3:-32}
command -v wrk > /dev/null || { echo "load: wrk is missing: apt-get install wrk" >&2; exit 1; }
if [ -z "${AFTER:-}" ]; then
    cargo build --quiet --release -p audit-server
fi
declare -A programs=([now]="${AFTER:-${CARGO_TARGET_DIR:-target}/release/audit-server}")
builds=now
if [ -n "${BEFORE:-}" ]; then
    programs[before]=$BEFORE
    builds="before now"
fi
folder=$(mktemp -d)
pid=
trap 'if [ -n "$pid" ]; then kill "$pid"; fi; rm -rf "$folder"' EXIT

# Every tenth request writes, the others read what is there.
cat > "$folder/load.lua" <<'LUA'
local count = 0
function request()
  count = count + 1
  local path = "/api/items/" .. count % 10
  if count % 10 == 1 or count <= 10 then
    local json = { ["Content-Type"] = "application/json", ["X-Actor"] = "load" }
    return wrk.format("PUT", path, json, '{"count":' .. count .. "}")
  end
  return wrk.format("GET", path, { ["X-Actor"] = "load" })
end
function done(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout + summary.errors.status
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, failed, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end
LUA

# The processor time that the server has used, in microseconds.
used() {
    awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) / tick * 1e6 }' "/proc/$pid/stat"
}

# One run: build, mode, requests per second, median and 99th percentile in µs, processor time per request.
run() {
    local build=$1 mode=$2 url result before after
    shift 2
    rm -f "$folder"/audit.db*
    mkfifo "$folder/said"
    "${programs[$build]}" --listen 127.0.0.1:0 --database "$folder/audit.db" "$@" > "$folder/said" &
    pid=$!
    read -r _ _ url _ < "$folder/said"
    rm "$folder/said"
    url=${url%;}
    wrk --threads 1 --connections "$connections" --duration 1 \
        --script "$folder/load.lua" "$url" > "$folder/warm-up"
    before=$(used)
    wrk --threads 1 --connections "$connections" --duration "$seconds" \
        --script "$folder/load.lua" "$url" > "$folder/result"
    after=$(used)
    result=$(sed -n 's/^RESULT //p' "$folder/result")
    kill -TERM "$pid"
    wait "$pid"
    pid=
    awk -v mode="$build $mode" -v cpu="$(awk "BEGIN { print $after - $before }")" '
        { if ($2 > 0) { print "load: " $2 " requests failed" > "/dev/stderr"; exit 1 }
          printf "%s %.0f %d %d %.1f\n", mode, $1 / $3 * 1e6, $4, $5, cpu / $1 }' <<< "$result"
}

for ((round = 1; round <= rounds; round++)); do
    for mode in $modes; do
        options=()
        if [ $mode = off ]; then options=(--no-audit); fi
        if [ $mode = durable ]; then options=(--durable); fi
        # Who comes first changes.
        turns=$builds
        if ((round % 2 == 0)) && [ -n "${BEFORE:-}" ]; then turns="now before"; fi
        for build in $turns; do
            run "$build" "$mode" "${options[@]}"
        done
    done
done | tee "$folder/runs"

middle() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
median() { awk -v build="$1" -v mode="$2" -v column="$3" '$1 == build && $2 == mode { print $column }' \
    "$folder/runs" | middle; }
printf '\n| build | audit | requests/s | p50 µs | p99 µs | processor µs per request |\n|---|---|---|---|---|---|\n'
for build in $builds; do
    for mode in $modes; do
        printf '| %s | %s | %s | %s | %s | %s |\n' "$build" "$mode" "$(median "$build" $mode 3)" \
            "$(median "$build" $mode 4)" "$(median "$build" $mode 5)" "$(median "$build" $mode 6)"
    done
done
if [ -n "${BEFORE:-}" ]; then
    # Of each pair of neighbours: now, in parts of before.
    ratios() { awk -v mode="$1" -v column="$2" '$2 == mode { seen[$1] = $column
        if (("now" in seen) && ("before" in seen)) { print seen["now"] / seen["before"]; delete seen } }' \
        "$folder/runs" | sort -n | awk '{ all[NR] = $1 }
        END { printf "%.2f (%.2f to %.2f)", all[int((NR + 1) / 2)], all[1], all[NR] }'; }
    printf '\n| now / before, median of the pairs | requests/s | processor time |\n|---|---|---|\n'
    for mode in $modes; do
        printf '| %s | %s | %s |\n' "$mode" "$(ratios $mode 3)" "$(ratios $mode 6)"
    done
fi
echo "Medians of $rounds rounds of $seconds s, $connections connections;" \
    "$(nproc) processors, commit $(git rev-parse --short HEAD)."
