#!/bin/bash
# Runs the tests of a make target: scripts/test.sh [test|test-unit|test-system|test-vm|test-faults|test-apiserver|fuzz|ci]
# "test-apiserver" runs the tests on a real API server, which no other target runs.
# "test-faults" runs all reliability tests, of which the other targets run a sample.
# "fuzz" runs each parser on damaged input for $FUZZ_SECONDS seconds. "ci" is "test" and the demo on a bare machine.
# The last line is the sum over all test projects: "N passed, N failed", and ", N skipped" if any were.
# A step that fails before its tests can run (a build, the format check, a crash) counts as one failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

what=${1:-test}
results=out/test-results
passed=0 failed=0 skipped=0
# ip and nft are in folders that an ordinary user's PATH lacks.
export PATH="$PATH:/usr/sbin:/sbin"
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
exec </dev/null

figures=out/figures.txt # the counts of the reliability tests (tests/Shared/Figures.cs)

rm -rf "$results" "$figures"
mkdir -p "$results"

finish() {
    local line="$passed passed, $failed failed"
    [ ! -e "$figures" ] || sort "$figures" | sed 's/^/   /'
    # Ends with the failed tests, each with the start of its reason.
    cat "$results"/*.log 2>/dev/null | awk '
        /^ +(Failed |FAIL )/ || /^FAIL / { print; left = 7; next }
        /^ +Stack Trace:/ || /^PASS / || /^[0-9]+ passed, / { left = 0 }
        left > 0 && !/^ +Error Message:/ { print substr($0, 1, 300); left-- }' >"$results/failures"
    [ ! -s "$results/failures" ] || cat "$results/failures"
    [ "$skipped" -eq 0 ] || line="$line, $skipped skipped"
    echo "$line" | tee "$results/summary"
    [ "$failed" -eq 0 ]
    exit
}

interrupted() {
    trap - INT TERM
    echo "interrupted"
    failed=$((failed + 1))
    finish
}
trap interrupted INT TERM

step() { # step NAME COMMAND...: silent when it succeeds
    local name=$1 log began=$SECONDS
    shift
    log="$results/${name// /-}.log"
    printf '== %s' "$name"
    "$@" >"$log" 2>&1
    local status=$?
    echo " ($((SECONDS - began)) s)"
    if [ "$status" -ne 0 ]; then
        cat "$log"
        echo "FAILED: $name"
        failed=$((failed + 1))
        return 1
    fi
}

# Network namespaces need root. Without root, a user namespace suffices if the kernel allows one. It has its own /run
# for `ip netns`, and its own network namespace, because `ip netns` has to return to the one that it started in.
# The test runner communicates over the loopback interface.
as_root=()
prepare_namespaces() {
    [ "$(id -u)" -ne 0 ] || return 0
    local enter=(unshare --user --map-root-user --net --mount --
        sh -c 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"' sh)
    if "${enter[@]}" unshare --net true 2>/dev/null; then
        echo "   not root: system tests run in a user namespace"
        as_root=("${enter[@]}")
    else
        echo "   SKIPPED: system tests need root, and this kernel allows no user namespaces"
    fi
}

counter() { # counter FILE NAME: one number of the results file
    sed -n "s/.*<Counters [^>]*\b$2=\"\([0-9]*\)\".*/\1/p" "$1" | head -n 1
}

run_project() { # run_project FOLDER [WRAPPER...]: the tests that $filter selects, for at most $limit seconds
    local project=$1 name file total executed status
    name=$(basename "$project")
    file="$results/$name.trx"
    shift
    echo "== $name"
    timeout --kill-after=10 "$limit" "$@" dotnet test "$project" --no-build -c Release ${filter:+--filter "$filter"} --results-directory "$results" \
        --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=normal" >"$results/$name.log" 2>&1
    status=$?
    total=$(counter "$file" total 2>/dev/null)
    executed=$(counter "$file" executed 2>/dev/null)
    if [ "${total:-0}" -eq 0 ]; then
        tail -n 40 "$results/$name.log"
        echo "FAILED: $name ran no test (exit code $status)"
        failed=$((failed + 1))
        return
    fi

    local ok bad
    ok=$(counter "$file" passed)
    bad=$((executed - ok))
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + total - executed))
    if [ "$status" -ne 0 ] || [ "$bad" -ne 0 ] || [ "$total" -ne "$executed" ]; then
        grep -v -E '^ +Passed ' "$results/$name.log"
    fi
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "FAILED: $name ended with exit code $status although no test failed"
        failed=$((failed + 1))
    fi
    echo "   $ok passed, $bad failed, $((total - executed)) skipped"
}

run_script() { # run_script NAME SCRIPT: tests whose log ends with "N passed, N failed"
    local log="$results/${1//[\/ ]/-}.log" began=$SECONDS
    echo "== $1"
    "$2" >"$log" 2>&1 || grep -v -E '^PASS |^[0-9]+ passed, [0-9]+ failed$' "$log"
    if [[ $(tail -n 1 "$log") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        echo "   ${BASH_REMATCH[0]} ($((SECONDS - began)) s)"
    else
        echo "FAILED: $1 ended without a count"
        failed=$((failed + 1))
    fi
}

skip() { # skip NAME WHY
    echo "== $1"
    echo "   SKIPPED: $2"
    skipped=$((skipped + 1))
}

filter= limit=2400
wants() { [ "$what" = test ] || [ "$what" = ci ] || [ "$what" = "$1" ]; }

# Only the virtual machine runs programs of another architecture.
suffix=
[ "${ARCH:-amd64}" = amd64 ] || { what=test-vm suffix=-$ARCH; }

step "dependencies" scripts/install-dependencies.sh "$what$suffix" || finish
if [ "$what" != test-vm ]; then
    step "build" dotnet build EgressRouterCni.sln -c Release --nologo -v quiet || finish
fi
if [ "$what" != test-unit ] && [ "$what" != fuzz ]; then
    step "native build" make --no-print-directory build || finish
fi
if wants format; then
    step "format" dotnet format whitespace EgressRouterCni.sln --verify-no-changes --no-restore
fi
if wants test-unit; then
    filter=FullyQualifiedName!~RealServer
    for project in tests/*.Tests; do
        run_project "$project"
    done
    filter=
fi
if wants test-system; then
    prepare_namespaces
    run_project tests/SystemTests "${as_root[@]}"
fi
if wants test-vm; then
    if command -v qemu-system-x86_64 >/dev/null; then
        run_script tests/vm scripts/test-vm.sh
    else
        skip tests/vm "the tests in a virtual machine need qemu-system-x86_64"
    fi
fi
if [ "$what" = ci ]; then
    if [ "$(id -u)" -eq 0 ]; then
        run_script "a bare machine" scripts/test-bare.sh
    else
        skip "a bare machine" "the demo on a bare machine needs root"
    fi
fi
if [ "$what" = test-apiserver ]; then
    export EGRESS_APISERVER=${KUBEBUILDER_ASSETS:-$PWD/out/apiserver}
    [ -n "${KUBEBUILDER_ASSETS:-}" ] || step "API server" scripts/build-apiserver.sh "$EGRESS_APISERVER" || finish
    filter=FullyQualifiedName~RealServer
    run_project tests/EgressOperator.Tests
    # Pairs run on it too.
    filter=FullyQualifiedName~SystemTests.Hold
    prepare_namespaces
    run_project tests/SystemTests "${as_root[@]}"
fi
if [ "$what" = fuzz ]; then
    filter=FullyQualifiedName~FuzzTests limit=$((FUZZ_SECONDS * 10 + 300))
    for project in tests/{Netlink,Cni,EgressRouter}.Tests; do
        run_project "$project"
    done
fi
if [ "$what" = test-faults ]; then
    limit=7200
    export EGRESS_ROUTER_TESTS=full
    filter=FullyQualifiedName~PairModelTests
    run_project tests/EgressOperator.Tests
    filter='FullyQualifiedName~SystemTests.Reliability|FullyQualifiedName~SystemTests.Hold'
    prepare_namespaces
    run_project tests/SystemTests "${as_root[@]}"
fi
finish
