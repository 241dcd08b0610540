#!/bin/sh
# Publishes the native executables egress-router, egress-routerctl and egress-operator to out. Prints only warnings and errors.
set -eu
cd "$(dirname "$0")/.."
. scripts/progress.sh

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

# egress-operator contains OpenSSL, and .NET's callers of it, which a script of .NET compiles by cmake: with these options there is no
# warning of an unused one, and no path of this machine in the executable.
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
export CMAKE_EXTRA_ARGS="--no-warn-unused-cli -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-ffile-prefix-map=$packages=/_"

if [ $arch = arm64 ]; then
    openssl=$PWD/out/arm64/openssl
    scripts/unpack-openssl.sh "$openssl" arm64
    libraries=$openssl/usr/lib/aarch64-linux-gnu
    export CPATH="$openssl/usr/include/aarch64-linux-gnu"
    CMAKE_EXTRA_ARGS="$CMAKE_EXTRA_ARGS -DOPENSSL_INCLUDE_DIR=$openssl/usr/include -DOPENSSL_CRYPTO_LIBRARY=$libraries/libcrypto.a"
    CMAKE_EXTRA_ARGS="$CMAKE_EXTRA_ARGS -DOPENSSL_SSL_LIBRARY=$libraries/libssl.a;$libraries/libcrypto.a"
fi

run() { # run PROJECT COMMAND...: a command of dotnet
    project=$1 log=$out/$2-$1.log
    shift
    number=$((number + 1))
    progress "build: step $number of 6, $1 of $project for $arch"
    if ! dotnet "$@" "src/$project" -p:Configuration=Release -p:CpuArchitecture=$arch -nologo -v:quiet \
        ${VERSION:+-p:Version="$VERSION"} -p:Commit="$commit" -p:CommitDate="$date" >"$log" 2>&1; then
        progress
        cat "$log" >&2
        echo "build: $project was not built" >&2
        exit 1
    fi

    # The linker warns about getpwnam, getaddrinfo and the like, for which glibc loads shared libraries at run time. Of the programs
    # only egress-operator resolves names, and forbids glibc to load any (NameService). All other output is shown.
    grep -v -e 'in statically linked applications requires at runtime the shared libraries' \
            -e ': in function `' -e ': In function `' -e '^[[:space:]]*$' "$log" >&2 || true
}

number=0
# Errors of the compiler first: the native executables take minutes.
for project in EgressRouterCni EgressRouterCtl EgressOperator; do run $project msbuild -restore; done
for project in EgressRouterCni EgressRouterCtl EgressOperator; do run $project publish --no-build -o "$out/publish/$project"; done

progress
for name in egress-operator egress-routerctl egress-router; do
    mv -f "$out"/publish/*/"$name" "$out/$name"
    echo "$out/$name: $(wc -c <"$out/$name") bytes"
done
