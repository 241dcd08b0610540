#!/bin/sh
# Publishes the native executables out/egress-router and out/egress-routerctl. Prints only warnings and errors.
set -eu
cd "$(dirname "$0")/.."

# amd64 goes to out, another architecture to a folder of its name.
arch=${ARCH:-amd64}
case $arch in
    amd64) out=out ;;
    arm64) out=out/arm64 ;;
    *) echo "build: ARCH must be amd64 or arm64, not $arch" >&2 && exit 2 ;;
esac
mkdir -p "$out"
# The commit of the sources; without git (a source archive) only the version is known.
commit=$(git rev-parse --short=12 HEAD 2>/dev/null || true)
date=$(git log -1 --format=%cs 2>/dev/null || true)
if [ -n "$commit" ] && [ -n "$(git status --porcelain -- src Directory.Build.props Directory.Packages.props 2>/dev/null)" ]; then
    commit="$commit-changed"
fi

for project in EgressRouterCni EgressRouterCtl; do
    log=$out/build-$project.log
    if ! dotnet publish "src/$project" -c Release -p:CpuArchitecture=$arch -o "$out/publish/$project" --nologo -v quiet \
        ${VERSION:+-p:Version="$VERSION"} -p:Commit="$commit" -p:CommitDate="$date" >"$log" 2>&1; then
        cat "$log" >&2
        echo "build: $project was not built" >&2
        exit 1
    fi

    # The linker warns about getpwnam, getaddrinfo and the like: a static binary would need glibc's shared libraries
    # at run time to call them. Neither program calls them; all other output is shown.
    grep -v -e 'in statically linked applications requires at runtime the shared libraries' \
            -e ': in function `' -e ': In function `' -e '^[[:space:]]*$' "$log" >&2 || true
done

for name in egress-routerctl egress-router; do
    mv -f "$out"/publish/*/"$name" "$out/$name"
    echo "$out/$name: $(wc -c <"$out/$name") bytes"
done
