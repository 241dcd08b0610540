#!/bin/sh
# Publishes the native binary to out/egress-router. Quiet when all is well.
set -eu
cd "$(dirname "$0")/.."

framework=$(sed -n 's:.*<NativeFramework>\(.*\)</NativeFramework>.*:\1:p' Directory.Build.props)
log=out/build.log
mkdir -p out
# Which sources they are; without git (an archive of the sources) only the version is known.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
date=$(git log -1 --format=%cs 2>/dev/null || true)
if [ -n "$commit" ] && [ -n "$(git status --porcelain -- src Directory.Build.props Directory.Packages.props 2>/dev/null)" ]; then
    commit="$commit-changed"
fi
if ! dotnet publish src/EgressRouterCni -c Release -f "$framework" -o out/publish --nologo -v quiet \
    ${VERSION:+-p:Version="$VERSION"} -p:Commit="$commit" -p:CommitDate="$date" >"$log" 2>&1; then
    cat "$log" >&2
    echo "build: out/egress-router was not built (framework $framework)" >&2
    exit 1
fi

# The linker says of getpwnam, getaddrinfo and the like that a static binary would need glibc's shared
# libraries at run time to call them. The plugin calls none of them; every other word is shown.
grep -v -e 'in statically linked applications requires at runtime the shared libraries' \
        -e ': in function `' -e ': In function `' -e '^[[:space:]]*$' "$log" >&2 || true

mv -f out/publish/egress-router out/egress-router
echo "out/egress-router: $(wc -c <out/egress-router) bytes"
