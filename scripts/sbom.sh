#!/bin/sh
# Prints the SPDX 2.3 list of the contents of executables: scripts/sbom.sh NAME...; ARCH=arm64 for that architecture.
# Packages and their hashes come from the lock files that the native builds' restore enforces; .NET's standard library, ASP.NET,
# glibc and OpenSSL are included too, in the toolchain's versions.
# No tool serves: sbom-tool 4.1.13 lists packages that are not linked, in another order in each run; CycloneDX 6.3.1 writes no SPDX;
# neither knows glibc, libgcc and OpenSSL.
set -eu
cd "$(dirname "$0")/.."
version=$(out/egress-router --version | cut -d ' ' -f 2)
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}" +%Y-%m-%dT%H:%M:%SZ)
arch=${ARCH:-amd64}
case $arch in
    arm64) executables=out/arm64 runtime=linux-arm64 ;;
    *) executables=out runtime=linux-x64 ;;
esac
glibc=$(ldd --version | sed -n '1s/.* //p')
openssl=

programs=$(for name; do
    case $name in
        egress-router) project=EgressRouterCni ;;
        egress-routerctl) project=EgressRouterCtl ;;
        egress-operator) project=EgressOperator ;;
        *) echo "sbom: there is no executable \"$name\"" >&2 && exit 2 ;;
    esac
    jq --arg name "$name" --arg sum "$(sha256sum "$executables/$name" | cut -d ' ' -f 1)" '{$name, $sum, lock: .}' "src/$project/packages.lock.json"
done)
# As scripts/build.sh links it.
case $arch-$* in
    arm64-*egress-operator*) openssl=$(dpkg-deb --field out/arm64/openssl/libssl-dev_*.deb Version) ;;
    *egress-operator*) openssl=$(dpkg-query --show --showformat='${Version}' libssl-dev) ;;
esac

echo "$programs" | jq -S -s --arg runtime "$runtime" --arg arch "$arch" --arg version "$version" --arg created "$created" \
    --arg glibc "$glibc" --arg gcc "$(gcc -dumpfullversion)" --arg openssl "$openssl" \
    --arg distribution "$(sed -n 's/^ID=//p' /etc/os-release)" '
    def known: {"Serilog": "Apache-2.0", "Serilog.Sinks.File": "Apache-2.0", "YamlDotNet": "MIT", "CommandLineParser": "MIT", "Tmds.LibC": "MIT",
                "KubernetesClient.Aot": "Apache-2.0", "prometheus-net": "MIT",
                "runtime.linux-x64.Microsoft.DotNet.ILCompiler": "MIT", "runtime.linux-arm64.Microsoft.DotNet.ILCompiler": "MIT",
                "Microsoft.AspNetCore.App.Runtime.linux-x64": "MIT", "Microsoft.AspNetCore.App.Runtime.linux-arm64": "MIT"};
    def id: gsub("[^A-Za-z0-9.-]"; "-");
    # These only build the executable. Nothing that uses Fractions is called, so the compiler leaves it out (ContentsTests).
    def unlinked: IN("Microsoft.NET.ILLink.Tasks", "Microsoft.DotNet.ILCompiler", "Vecc.YamlDotNet.Analyzers.StaticGenerator", "Fractions");
    def operator: .name == "egress-operator";
    # ASP.NET is a part of the SDK, as the compiler is, and has its version.
    def aspnet: {key: "Microsoft.AspNetCore.App.Runtime.\($runtime)",
        value: {resolved: .lock.dependencies["net10.0/\($runtime)"]["runtime.\($runtime).Microsoft.DotNet.ILCompiler"].resolved}};
    def linked: [(.lock.dependencies | to_entries[] | select((.key | contains("/") | not) or (.key | endswith("/" + $runtime))) | .value
        | to_entries[] | select(.value.type != "Project" and (.key | unlinked | not))), (select(operator) | aspnet)] | unique_by(.key);
    def links: (linked[].key, "glibc", "libgcc", (select(operator) | "openssl"))
        | {relationshipType: "STATIC_LINK", relatedSpdxElement: "SPDXRef-\(id)"};
    def part: . + {SPDXID: "SPDXRef-\(.name | id)", copyrightText: "NOASSERTION", filesAnalyzed: false};
    def purl: {externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: .}]};
    {
        spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
        name: "egress-router-cni-\($version)",
        documentNamespace: "https://spdx.org/spdxdocs/egress-router-cni-\($version)-\(.[0].sum)",
        creationInfo: {created: $created, creators: ["Tool: scripts/sbom.sh"]},
        packages: ([.[] | {
            name, versionInfo: $version, downloadLocation: "NOASSERTION", licenseConcluded: "Apache-2.0", licenseDeclared: "Apache-2.0",
            checksums: [{algorithm: "SHA256", checksumValue: .sum}]
        } | part] + [[.[] | linked[]] | unique_by(.key)[] | {
            name: .key, versionInfo: .value.resolved, downloadLocation: "https://www.nuget.org/api/v2/package/\(.key)/\(.value.resolved)",
            licenseConcluded: "NOASSERTION", licenseDeclared: (known[.key] // error("the license of \(.key) is not known: scripts/sbom.sh"))
        } + if .value.contentHash then {comment: "SHA-512 of the package, in base64: \(.value.contentHash)"} else {} end
          + ("pkg:nuget/\(.key)@\(.value.resolved)" | purl) | part] + [{
            name: "glibc", versionInfo: $glibc, downloadLocation: "https://ftp.gnu.org/gnu/glibc/",
            licenseConcluded: "NOASSERTION", licenseDeclared: "LGPL-2.1-or-later"
        }, {
            name: "libgcc", versionInfo: $gcc, downloadLocation: "https://ftp.gnu.org/gnu/gcc/",
            licenseConcluded: "NOASSERTION", licenseDeclared: "GPL-3.0-or-later WITH GCC-exception-3.1"
        }, (select(any(.[]; operator)) | {
            name: "openssl", versionInfo: $openssl, downloadLocation: "https://www.openssl.org/source/",
            licenseConcluded: "NOASSERTION", licenseDeclared: "Apache-2.0"
        } + ("pkg:deb/\($distribution)/libssl-dev@\($openssl | @uri)?arch=\($arch)" | purl)) | part]),
        relationships: [.[] | "SPDXRef-\(.name)" as $program
            | {spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: $program},
              (links + {spdxElementId: $program})]
    }'
