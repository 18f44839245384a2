#!/usr/bin/env bash
# What auditing costs per request: the same load on the server without the audit, with it, and with
# answers that wait for the disk, in turns. Needs wrk (Debian's package of that name).
#
#   examples/audit-server/load.sh [ROUNDS [SECONDS [CONNECTIONS]]]
set -euo pipefail
cd "$(dirname "$0")/../.."
rounds=${1:-5} seconds=${2:-10} connections=${3:-32}
command -v wrk > /dev/null || { echo "load: wrk is missing: apt-get install wrk" >&2; exit 1; }
cargo build --quiet --release -p audit-server
server="${CARGO_TARGET_DIR:-target}/release/audit-server"
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

# One run: mode, requests per second, median and 99th percentile in µs, processor time per request.
run() {
    local mode=$1 url result before after
    shift
    rm -f "$folder"/audit.db*
    mkfifo "$folder/said"
    "$server" --listen 127.0.0.1:0 --database "$folder/audit.db" "$@" > "$folder/said" &
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
    awk -v mode="$mode" -v cpu="$(awk "BEGIN { print $after - $before }")" '
        { if ($2 > 0) { print "load: " $2 " requests failed" > "/dev/stderr"; exit 1 }
          printf "%s %.0f %d %d %.1f\n", mode, $1 / $3 * 1e6, $4, $5, cpu / $1 }' <<< "$result"
}

for ((round = 1; round <= rounds; round++)); do
    run off --no-audit
    run on
    run durable --durable
done | tee "$folder/runs"

median() { awk -v mode="$1" -v column="$2" '$1 == mode { print $column }' "$folder/runs" \
    | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
printf '\n| audit | requests/s | p50 µs | p99 µs | processor µs per request |\n|---|---|---|---|---|\n'
for mode in off on durable; do
    printf '| %s | %s | %s | %s | %s |\n' "$mode" \
        "$(median $mode 2)" "$(median $mode 3)" "$(median $mode 4)" "$(median $mode 5)"
done
echo "Medians of $rounds rounds of $seconds s, $connections connections;" \
    "$(nproc) processors, commit $(git rev-parse --short HEAD)."
