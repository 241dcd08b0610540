#!/bin/sh
# Prints the SPDX 2.3 list of the executables' contents.
# Packages and their hashes come from the lock files that the native builds' restore enforces; .NET's standard library
# and glibc are included too, in the toolchain's versions.
# No tool serves: sbom-tool 4.1.13 lists packages that are not linked, in another order in each run; CycloneDX 6.3.1 writes no SPDX;
# neither knows glibc and libgcc.
set -eu
cd "$(dirname "$0")/.."
version=$(out/egress-router --version | cut -d ' ' -f 2)
created=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}" +%Y-%m-%dT%H:%M:%SZ)
case ${ARCH:-amd64} in
    arm64) executables=out/arm64 runtime=linux-arm64 ;;
    *) executables=out runtime=linux-x64 ;;
esac
glibc=$(ldd --version | sed -n '1s/.* //p')

jq -S -s --arg runtime "$runtime" --arg version "$version" --arg created "$created" --arg glibc "$glibc" --arg gcc "$(gcc -dumpfullversion)" \
    --arg sum "$(sha256sum "$executables/egress-router" | cut -d ' ' -f 1)" --arg ctlsum "$(sha256sum "$executables/egress-routerctl" | cut -d ' ' -f 1)" '
    def known: {"Serilog": "Apache-2.0", "Serilog.Sinks.File": "Apache-2.0", "YamlDotNet": "MIT", "CommandLineParser": "MIT", "Tmds.LibC": "MIT",
                "runtime.linux-x64.Microsoft.DotNet.ILCompiler": "MIT",
                "runtime.linux-arm64.Microsoft.DotNet.ILCompiler": "MIT"};
    def id: gsub("[^A-Za-z0-9.-]"; "-");
    # ILLink and the compiler only build the executable.
    def linked: [.dependencies | to_entries[] | select((.key | contains("/") | not) or (.key | endswith("/" + $runtime))) | .value | to_entries[]
        | select(.value.type != "Project" and (.key | IN("Microsoft.NET.ILLink.Tasks", "Microsoft.DotNet.ILCompiler") | not))] | unique_by(.key);
    def links($program): (linked[].key, "glibc", "libgcc") | {spdxElementId: $program, relationshipType: "STATIC_LINK", relatedSpdxElement: "SPDXRef-\(id)"};
    . as [$plugin, $tools] | (map(linked[]) | unique_by(.key)) as $packages
    | {
        spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
        name: "egress-router-cni-\($version)",
        documentNamespace: "https://spdx.org/spdxdocs/egress-router-cni-\($version)-\($sum)",
        creationInfo: {created: $created, creators: ["Tool: scripts/sbom.sh"]},
        packages: ([{
            name: "egress-router-cni", SPDXID: "SPDXRef-egress-router", versionInfo: $version, downloadLocation: "NOASSERTION",
            licenseConcluded: "Apache-2.0", licenseDeclared: "Apache-2.0", copyrightText: "NOASSERTION", filesAnalyzed: false,
            checksums: [{algorithm: "SHA256", checksumValue: $sum}]
        }, {
            name: "egress-routerctl", SPDXID: "SPDXRef-egress-routerctl", versionInfo: $version, downloadLocation: "NOASSERTION",
            licenseConcluded: "Apache-2.0", licenseDeclared: "Apache-2.0", copyrightText: "NOASSERTION", filesAnalyzed: false,
            checksums: [{algorithm: "SHA256", checksumValue: $ctlsum}]
        }] + [$packages[] | {
            name: .key, SPDXID: "SPDXRef-\(.key | id)", versionInfo: .value.resolved,
            downloadLocation: "https://www.nuget.org/api/v2/package/\(.key)/\(.value.resolved)",
            licenseConcluded: "NOASSERTION", licenseDeclared: (known[.key] // error("the license of \(.key) is not known: scripts/sbom.sh")),
            copyrightText: "NOASSERTION", filesAnalyzed: false,
            comment: "SHA-512 of the package, in base64: \(.value.contentHash)",
            externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: "pkg:nuget/\(.key)@\(.value.resolved)"}]
        }] + [{
            name: "glibc", SPDXID: "SPDXRef-glibc", versionInfo: $glibc, downloadLocation: "https://ftp.gnu.org/gnu/glibc/",
            licenseConcluded: "NOASSERTION", licenseDeclared: "LGPL-2.1-or-later", copyrightText: "NOASSERTION", filesAnalyzed: false
        }, {
            name: "libgcc", SPDXID: "SPDXRef-libgcc", versionInfo: $gcc, downloadLocation: "https://ftp.gnu.org/gnu/gcc/",
            licenseConcluded: "NOASSERTION", licenseDeclared: "GPL-3.0-or-later WITH GCC-exception-3.1", copyrightText: "NOASSERTION", filesAnalyzed: false
        }]),
        relationships: [
            ("SPDXRef-egress-router", "SPDXRef-egress-routerctl" | {spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: .}),
            ($plugin | links("SPDXRef-egress-router")), ($tools | links("SPDXRef-egress-routerctl"))
        ]
      }' src/EgressRouterCni/packages.lock.json src/EgressRouterCtl/packages.lock.json
